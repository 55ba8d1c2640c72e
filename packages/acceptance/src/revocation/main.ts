import { commandValues } from '../command.ts'
import { runRevocations } from './revocations.ts'

const values = commandValues({
  name: 'pnpm run load:revoke',
  about: `Rights are taken from devices that are connected, or away, with a real server process. One line of JSON; fails when a document is there for
  more than two seconds afterwards, when a device that comes back shows anything new beside it, or has it in the end.`,
  options: { count: [500, 'rights that are taken away'], devices: [10, ''], seed: [1, 'or "random"'] },
})
const report = await runRevocations({
  ...values,
  progress: words => console.error(words),
})
console.log(JSON.stringify({ seed: values.seed, ...report }))
process.exit(report.violations.length === 0 && report.slowestMs <= 2_000 ? 0 : 1)
