import { randomInt } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fuzzCommand } from './run.ts'

/* `pnpm fuzz:ws [frames] [seed]`: hostile frames against a server process; one line of JSON. */
const frames = Number(process.argv[2] ?? 1_000_000)
const seed = Number(process.argv[3] ?? randomInt(1, 2 ** 31))
const folder = mkdtempSync(join(tmpdir(), 'nearcloud-fuzz-'))
writeFileSync(
  join(folder, 'rules.json'),
  JSON.stringify({ database: { todos: { read: true, write: true } } }),
)
try {
  const report = await fuzzCommand({ project: folder, data: join(folder, 'data'), count: frames, seed })
  console.log(JSON.stringify({ seed, ...report }))
  process.exitCode = report.isAlive && report.rssGrowthMb < 64 ? 0 : 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}
