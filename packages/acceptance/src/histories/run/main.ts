import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { runHistories } from './run-histories.ts'

const help = `pnpm history [options]
  Sessions at one real server process, which is killed now and then: what they asked, when, and what they were told is judged round by
  round. One line of JSON at the end; what is wrong is printed, and the history of its round kept in a file.
  --transactions 50000   reads of devices are not counted
  --per-round 1500       then everything is read and judged
  --kills 4              of the server, in each round
  --cuts 5               of a thousand messages so many break their connection, in the place of them or in their middle
  --http 4               sessions that ask the HTTP API
  --functions 3          that run transactions in a cloud function
  --devices 3            clients with a store of their own
  --seed 1               or "random"`
const { values } = parseArgs({
  options: {
    transactions: { type: 'string', default: '50000' },
    'per-round': { type: 'string', default: '1500' },
    kills: { type: 'string', default: '4' },
    cuts: { type: 'string', default: '5' },
    http: { type: 'string', default: '4' },
    functions: { type: 'string', default: '3' },
    devices: { type: 'string', default: '3' },
    seed: { type: 'string', default: '1' },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  console.log(help)
  process.exit(0)
}
const seed = values.seed === 'random' ? randomInt(1, 2 ** 31) : Number(values.seed)
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))
const report = await runHistories({
  seed,
  transactions: Number(values.transactions),
  perRound: Number(values['per-round']),
  kills: Number(values.kills),
  cuts: Number(values.cuts),
  strangers: Number(values.http),
  functions: Number(values.functions),
  devices: Number(values.devices),
  progress: words => console.error(words),
})
for (const words of report.violations.slice(0, 20)) console.error(words.slice(0, 2_000))
console.log(JSON.stringify({ seed, ...report, violations: report.violations.length }))
process.exit(report.violations.length === 0 ? 0 : 1)
