import { execFile } from 'node:child_process'
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
    'offline: 1 change waits on the phone, 1 on the laptop',
    'the laptop sees: Buy green tea, 8',
    'the server has: Buy green tea, 8',
  ])
})
