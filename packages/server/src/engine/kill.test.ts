import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { systemRandom } from '../host.ts'
import { SqliteEngine } from './sqlite-engine.ts'

/* The compiled program: build first. */
const program = fileURLToPath(new URL('../../dist/testing/committing-process.js', import.meta.url))

/** Lets it commit until it has acknowledged so many, then kills it; what it acknowledged. */
function runAndKill(file: string, enough: number): Promise<[client: string, id: number][]> {
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
      const lines = text.split('\n').slice(0, -1)
      resolve(
        lines.map(line => {
          const [client, id, status] = line.split(' ')
          if (status !== 'accepted') throw new Error(`refused: ${line}`)
          return [client!, Number(id)]
        }),
      )
    })
  })
}

test('[ENGINE-16] a process killed while it commits keeps all it acknowledged, and nothing twice', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'nearcloud-kill-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'nearcloud.db')
  const acknowledged: [client: string, id: number][] = []
  for (let life = 0; life < 12; life++) {
    acknowledged.push(...(await runAndKill(file, 1 + life * 17)))
    const engine = new SqliteEngine({ file, random: systemRandom })
    let decided = 0
    for (const client of ['a', 'b', 'c', 'd', 'e']) {
      const last = (await engine.client('test', client))?.lastMutation ?? 0
      decided += last
      const ids = Array.from({ length: last + 2 }, (_, n) => `${client}-${n + 1}`)
      const rows = await engine.get('test', 'todos', ids)
      expect(rows.filter(row => row !== null).length).toBe(last)
      expect(rows.slice(last)).toEqual([null, null])
      const outcomes = await engine.outcomes('test', client, 0)
      expect(outcomes.map(each => each.outcome.id)).toEqual(Array.from({ length: last }, (_, n) => n + 1))
      for (const [name, id] of acknowledged) if (name === client) expect(id).toBeLessThanOrEqual(last)
    }
    const [shared] = await engine.get('test', 'counters', ['shared'])
    expect(JSON.parse(shared!.text).n).toBe(decided)
    expect(await engine.head('test')).toBe(decided + 1)
    const log = await engine.log('test', 0, 1_000_000)
    expect(log!.length).toBe(1 + decided * 2)
    await engine.close()
  }
  expect(acknowledged.length).toBeGreaterThan(500)
})
