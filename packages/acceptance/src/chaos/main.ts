import { commandValues } from '../command.ts'
import { runChaos } from './chaos.ts'

const values = commandValues({
  name: 'pnpm chaos',
  about: 'Client processes and a server in bad weather, which are equal afterwards.',
  options: {
    minutes: [5, 'of bad weather'],
    clients: [5, ''],
    seed: [1, 'or "random"'],
    pace: [100, 'milliseconds between two deeds of a client, at most'],
    spell: [3_000, 'milliseconds until the weather changes, about'],
    short: [false, 'a history as short as usual: who was away compares; the history itself is not judged'],
  },
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))
const report = await runChaos({
  seed: values.seed,
  minutes: values.minutes,
  clients: values.clients,
  most: Number.MAX_SAFE_INTEGER,
  paceMs: values.pace,
  spellMs: values.spell,
  isSticking: true,
  isShort: values.short,
  progress: words => console.error(words),
})
console.log(
  JSON.stringify({
    seed: values.seed,
    ...report,
    violations: report.violations.map(words => words.slice(0, 1_000)),
  }),
)
process.exit(report.violations.length === 0 ? 0 : 1)
