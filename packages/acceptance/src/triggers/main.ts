import { randomInt } from 'node:crypto'
import { complaintsAbout, triggersUnderKills } from './kill-run.ts'

/* `pnpm crash:triggers [events] [kills] [seed]`: trigger events with the server killed; one line of JSON. */
const [events, kills, seed] = [2_000, 20, randomInt(1, 2 ** 31)].map((given, n) =>
  Number(process.argv[2 + n] ?? given),
)
const report = await triggersUnderKills({ events: events!, kills: kills!, seed: seed! })
const complaints = complaintsAbout(report)
console.log(JSON.stringify({ seed, ...report, complaints }))
process.exitCode = complaints.length === 0 ? 0 : 1
