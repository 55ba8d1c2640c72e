import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { runRevocations } from './revocations.ts'

const help = `pnpm run load:revoke [options]
  Rights are taken from devices that are connected, or away, with a real server process. One line of JSON; fails when a document is there for more
  than two seconds afterwards, when a device that comes back shows anything new beside it, or has it in the end.
  --count 500      rights that are taken away
  --devices 10
  --seed 1         or "random"`
const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '500' },
    devices: { type: 'string', default: '10' },
    seed: { type: 'string', default: '1' },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  console.log(help)
  process.exit(0)
}
const seed = values.seed === 'random' ? randomInt(1, 2 ** 31) : Number(values.seed)
const report = await runRevocations({
  seed,
  count: Number(values.count),
  devices: Number(values.devices),
  progress: words => console.error(words),
})
console.log(JSON.stringify({ seed, ...report }))
process.exit(report.violations.length === 0 && report.slowestMs <= 2_000 ? 0 : 1)
