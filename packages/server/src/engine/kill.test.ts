import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { type Acknowledged, acknowledgedIn, whatIsWrong } from '../testing/committed.ts'

/* The compiled program: build first. */
const program = fileURLToPath(new URL('../../dist/testing/committing-process.js', import.meta.url))

/** Lets it commit until it has acknowledged so many, then kills it; what it acknowledged. */
function runAndKill(file: string, enough: number): Promise<Acknowledged[]> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, file], { stdio: ['ignore', 'pipe', 'inherit'] })
    onTestFinished(() => void child.kill('SIGKILL'))
    let text = ''
    child.stdout.on('data', data => {
      text += String(data)
      if (text.split('\n').length > enough) child.kill('SIGKILL')
    })
    child.on('error', reject)
    child.on('close', () => {
      // the last line may be cut off: then nobody has read it
      resolve(acknowledgedIn(text))
    })
  })
}

test('[ENGINE-16] a process killed while it commits keeps all it acknowledged, and nothing twice', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'nearcloud-kill-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'nearcloud.db')
  const acknowledged: Acknowledged[] = []
  for (let life = 0; life < 12; life++) {
    acknowledged.push(...(await runAndKill(file, 1 + life * 17)))
    expect(await whatIsWrong(file, acknowledged)).toBeUndefined()
  }
  expect(acknowledged.length).toBeGreaterThan(500)
})
