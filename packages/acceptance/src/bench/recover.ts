import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { inFolder } from './measuring.ts'
import { runRecover } from './recover/recover.ts'

/*
 * How long a server takes to come back after it was killed, and to end when it is asked to; one line of JSON. Fails when a start takes
 * longer than 5 s, an end longer than 10 s, or when something acknowledged is not there.
 *
 *   node packages/acceptance/dist/bench/recover.js [--full] [--megabytes 100]
 *
 * --full: 1,000 MB of documents.
 */
const { values } = parseArgs({
  options: { full: { type: 'boolean', default: false }, megabytes: { type: 'string' } },
})
const megabytes = Number(values.megabytes ?? (values.full ? 1_000 : 100))
await inFolder(async project => {
  const open = { read: true, write: true }
  writeFileSync(join(project, 'rules.json'), JSON.stringify({ database: { log: open, tasks: open } }))
  const data = join(project, 'data')
  const bytes = megabytes * 1_000_000
  const report = await runRecover({ project, data, bytes, writers: 10, followers: 90, writes: 1_000 })
  console.log(JSON.stringify(report))
  const starts = [report.afterKill, report.afterStop].map(({ servingMs }) => servingMs)
  const isGood = Math.max(...starts) <= 5_000 && report.stopMs <= 10_000
  process.exitCode = isGood && report.found === report.acknowledged ? 0 : 1
})
