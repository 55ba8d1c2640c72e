import { execFile } from 'node:child_process'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'

const run = promisify(execFile)
const cities = (...words: readonly string[]) =>
  run(process.execPath, ['src/main.js', ...words], { cwd: import.meta.dirname })

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cities-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test('the largest cities are imported once, one country of them is synced, and questions are answered offline', async () => {
  const data = join(folder, 'data')
  const first = await cities('FR', '--limit', '4000', '--data', data, '--json')
  expect(first.stderr).toBe('')
  expect(first.stdout).toMatch(/^importing: 4,000 of 4,000 cities, [\d,]+ per second$/m)
  expect(first.stdout).toMatch(/^offline$/m)
  expect(first.stdout).toMatch(/Names that begin with “Pa”\n {2}Paris +2,138,551\n/)
  expect(first.stdout).toMatch(/Nearest to the middle of Paris, within 100 km\n {2}Paris +2,138,551\n/)
  expect(first.stdout).not.toContain('from what happened to be here')

  const { ratios, absolute } = figuresOf(first.stdout)
  expect(absolute.imported).toBe(4_000)
  expect(absolute.synced).toBe(34)
  expect(ratios.wireBytesPerJsonByte).toBeGreaterThan(1)
  expect(ratios.wireBytesPerJsonByte).toBeLessThan(1.5)
  for (const name of ['citiesPerSecond', 'syncMs', 'prefixMs', 'rangeMs', 'nearestMs'])
    expect(absolute[name]).toBeGreaterThan(0)

  const second = await cities('DE', '--limit', '4000', '--data', data, '--json')
  expect(second.stdout).toMatch(/^4,000 cities are in .* from an earlier run/)
  expect(figuresOf(second.stdout).absolute).not.toHaveProperty('imported')
})

test('--fresh leaves a folder alone that is not a data folder', async () => {
  const precious = await mkdtemp(join(folder, 'precious-'))
  await writeFile(join(precious, 'thesis.txt'), 'years of work')
  await expect(cities('--limit', '10', '--data', precious, '--fresh')).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining('is not a data folder of nearcloud'),
  })
  expect(await readdir(precious)).toEqual(['thesis.txt'])
})

test('what cannot be meant is one sentence', async () => {
  for (const words of [['France'], ['FR', '--limit', 'all'], ['--what']])
    await expect(cities(...words)).rejects.toMatchObject({ code: 1, stderr: expect.stringMatching(/^.+\n$/) })
})

function figuresOf(output: string) {
  return JSON.parse(output.trim().split('\n').at(-1)!) as {
    ratios: Record<string, number>
    absolute: Record<string, number>
  }
}
