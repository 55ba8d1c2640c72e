import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { commandValues } from '../command.ts'
import { inFolder } from './measuring.ts'
import { runRecover } from './recover/recover.ts'

/*
 * How long a server takes to come back after it was killed, and to end when it is asked to; one line of JSON. Fails when a start takes
 * longer than 5 s, an end longer than 10 s, or when something acknowledged is not there.
 */
const options = commandValues({
  name: 'pnpm bench:recover',
  about: 'How long a server takes to come back after it was killed, and to end when it is asked to.',
  options: { megabytes: [100, 'of documents'], full: [false, '1,000 of them'] },
})
const megabytes = options.full ? 1_000 : options.megabytes
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
