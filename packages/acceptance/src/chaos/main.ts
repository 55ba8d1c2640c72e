import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { runChaos } from './chaos.ts'

const help = `pnpm chaos [options]
  --minutes 5        of bad weather
  --clients 5
  --seed 1           or "random"
  --pace 100         milliseconds between two deeds of a client, at most
  --spell 3000       milliseconds until the weather changes, about
  --short            a history as short as usual: who was away compares; the history itself is not judged`
const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '5' },
    clients: { type: 'string', default: '5' },
    seed: { type: 'string', default: '1' },
    pace: { type: 'string', default: '100' },
    spell: { type: 'string', default: '3000' },
    short: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  console.log(help)
  process.exit(0)
}
const seed = values.seed === 'random' ? randomInt(1, 2 ** 31) : Number(values.seed)
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))
const report = await runChaos({
  seed,
  minutes: Number(values.minutes),
  clients: Number(values.clients),
  most: Number.MAX_SAFE_INTEGER,
  paceMs: Number(values.pace),
  spellMs: Number(values.spell),
  isSticking: true,
  isShort: values.short,
  progress: words => console.error(words),
})
console.log(
  JSON.stringify({ seed, ...report, violations: report.violations.map(words => words.slice(0, 1_000)) }),
)
process.exit(report.violations.length === 0 ? 0 : 1)
