import { commandValues } from '../../command.ts'
import { runHistories } from './run-histories.ts'

const values = commandValues({
  name: 'pnpm history',
  about: `Sessions at one real server process, which is killed now and then: what they asked, when, and what they were told is judged round by
  round. One line of JSON at the end; what is wrong is printed, and the history of its round kept in a file.`,
  options: {
    transactions: [50_000, 'reads of devices are not counted'],
    'per-round': [1_500, 'then everything is read and judged'],
    kills: [4, 'of the server, in each round'],
    cuts: [
      5,
      'of a thousand messages so many break their connection, in the place of them or in their middle',
    ],
    http: [4, 'sessions that ask the HTTP API'],
    functions: [3, 'that run transactions in a cloud function'],
    devices: [3, 'clients with a store of their own'],
    seed: [1, 'or "random"'],
  },
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))
const report = await runHistories({
  ...values,
  perRound: values['per-round'],
  strangers: values.http,
  progress: words => console.error(words),
})
for (const words of report.violations.slice(0, 20)) console.error(words.slice(0, 2_000))
console.log(JSON.stringify({ seed: values.seed, ...report, violations: report.violations.length }))
process.exit(report.violations.length === 0 ? 0 : 1)
