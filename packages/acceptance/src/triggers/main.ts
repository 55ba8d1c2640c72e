import { commandValues } from '../command.ts'
import { complaintsAbout, triggersUnderKills } from './kill-run.ts'

const { events, kills, seed } = commandValues({
  name: 'pnpm crash:triggers',
  about: 'Events of triggers, with the server killed. One line of JSON.',
  options: { events: [2_000, ''], kills: [20, ''], seed: ['random', ''] },
  inOrder: ['events', 'kills', 'seed'],
})
const report = await triggersUnderKills({ events, kills, seed })
const complaints = complaintsAbout(report)
console.log(JSON.stringify({ seed, ...report, complaints }))
process.exitCode = complaints.length === 0 ? 0 : 1
