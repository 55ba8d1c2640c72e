import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { acknowledgedIn, whatIsWrong } from '../testing/committed.ts'

/* The compiled program: build first. */
const program = fileURLToPath(new URL('../../dist/testing/committing-process.js', import.meta.url))

test('[ENGINE-25] a file that may not grow any more ends commits by a named error, and all that was acknowledged is there', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'nearcloud-limited-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'nearcloud.db')
  const acknowledged = []
  for (const kilobytes of [300, 600, 901]) {
    // in blocks of 512 bytes, as POSIX has it; some shells count in 1,024
    const limited = `ulimit -f ${kilobytes * 2}; exec "$0" "$@"`
    const { status, stdout, stderr } = spawnSync(
      '/bin/sh',
      ['-c', limited, process.execPath, program, file],
      {
        encoding: 'utf8',
        timeout: 60_000,
      },
    )
    expect(stderr).toMatch(/STORE_FAILED|STORE_FULL/)
    expect(status).not.toBe(0)
    const told = acknowledgedIn(stdout)
    expect(told.length).toBeGreaterThan(20)
    acknowledged.push(...told)
    expect(await whatIsWrong(file, acknowledged)).toBeUndefined()
  }
  expect(statSync(file).size).toBeGreaterThan(100_000)
})
