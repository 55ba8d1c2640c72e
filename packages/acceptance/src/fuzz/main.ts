import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { commandValues } from '../command.ts'
import { fuzzCommand } from './run.ts'

const { frames, seed } = commandValues({
  name: 'pnpm fuzz:ws',
  about: 'Hostile frames against a server process. One line of JSON.',
  options: { frames: [1_000_000, ''], seed: ['random', ''] },
  inOrder: ['frames', 'seed'],
})
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
