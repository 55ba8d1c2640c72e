import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runSlow } from './slow.ts'

/* `pnpm load:slow [readers] [probes]`: clients that never read, and others beside them; one line of JSON. */
const [readers, probes] = [Number(process.argv[2] ?? 100), Number(process.argv[3] ?? 300)]
const folder = mkdtempSync(join(tmpdir(), 'nearcloud-slow-'))
const open = { read: true, write: true }
writeFileSync(join(folder, 'rules.json'), JSON.stringify({ database: { board: open, large: open } }))
try {
  const report = await runSlow({ project: folder, data: join(folder, 'data'), readers, probes })
  console.log(JSON.stringify(report))
  const { isAlive, cut, equal, rssGrowthMb } = report
  process.exitCode = isAlive && equal === cut && rssGrowthMb <= 150 ? 0 : 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}
