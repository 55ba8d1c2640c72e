import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const run = promisify(execFile)

test('the quickstart says what happens, step by step, and ends', async () => {
  const { stdout, stderr } = await run(process.execPath, ['src/main.js'], { cwd: import.meta.dirname })
  expect(stderr).toBe('')
  expect(stdout.trim().split('\n')).toEqual([
    'on the phone: Buy tea',
    'the laptop sees: Buy tea, 1',
    'the laptop sees: Buy green tea, 6',
    'offline, each with 1 change that waits',
    'the laptop sees: Buy green tea, 8',
    'the server has: 8',
  ])
})

test('the program in the README of the repository is this one', async () => {
  const program = await readFile(join(import.meta.dirname, 'src/main.js'), 'utf8')
  const readme = await readFile(join(import.meta.dirname, '../../README.md'), 'utf8')
  const shown = /```js\n([\s\S]*?)```/.exec(readme)?.[1]?.split('\n') ?? []
  expect(shown.length).toBeGreaterThan(20)
  const lines = new Set(program.split('\n').map(withoutComment))
  for (const line of shown.map(withoutComment)) expect(lines).toContain(line)
})

function withoutComment(line: string): string {
  return line.replace(/ +\/\/ .*$/, '').trimEnd()
}
