import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { run, started } from './testing/run-command.ts'

function project(): string {
  const folder = mkdtempSync(join(tmpdir(), 'nearcloud-log-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  mkdirSync(join(folder, 'cloudfunctions', 'says'), { recursive: true })
  writeFileSync(
    join(folder, 'cloudfunctions', 'says', 'index.js'),
    'exports.main = async () => console.log("a secret")',
  )
  return folder
}

test('[OPS-6] --log json says all that happens, a line of JSON each, and not what functions say', async () => {
  const folder = project()
  const server = await started(folder, 'start', '--log', 'json', '--metrics-port', '0')
  await run(folder, 'call', 'says').over
  await server.stop()
  const lines = server
    .err()
    .split('\n')
    .map(line => JSON.parse(line) as Record<string, unknown>)
  expect(lines.map(({ event }) => event)).toContain('functions.isolation')
  for (const line of lines)
    expect(line).toMatchObject({ time: expect.stringMatching(/^\d{4}-.*Z$/), level: expect.any(String) })
  expect(server.err()).not.toContain('a secret')
})

test('[OPS-6] another form of log is a sentence', async () => {
  const command = run(project(), 'start', '--log', 'xml')
  expect(await command.over).toBe(1)
  expect(command.err()).toBe('nearcloud: --log is text or json, not "xml".')
})
