import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { commandValues } from '../command.ts'
import { runSlow } from './slow.ts'

const { readers, probes } = commandValues({
  name: 'pnpm load:slow',
  about: `Clients that never read, and others beside them. One line of JSON; fails unless all of them are sent away and come back, the server takes
  at most 150 MB more, and 99 in 100 of the others' writes are told within the time that they take without them, and a fifth of it (or 2 ms) more.`,
  options: { readers: [100, 'that never read'], probes: [3_000, 'writes of the others'] },
  inOrder: ['readers', 'probes'],
})
const folder = mkdtempSync(join(tmpdir(), 'nearcloud-slow-'))
const open = { read: true, write: true }
writeFileSync(join(folder, 'rules.json'), JSON.stringify({ database: { board: open, large: open } }))
try {
  const report = await runSlow({ project: folder, data: join(folder, 'data'), readers, probes })
  console.log(JSON.stringify(report))
  const { isAlive, cut, equal, rssGrowthMb, before, meanwhile } = report
  const isServed = meanwhile.p99 <= before.p99 * 1.2 || meanwhile.p99 <= before.p99 + 2
  process.exitCode = isAlive && cut === readers && equal === readers && rssGrowthMb <= 150 && isServed ? 0 : 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}
