// Hostile updates against a field: none may do harm, none may take longer than 50 ms.
//
//   node packages/text/bench/fuzz.js [--updates 200000] [--seed 1]      (after `pnpm build`)
//
// Prints one line of JSON; ends with 1 when anything did harm.

import { parseArgs } from 'node:util'
import { attackField } from '@nearcloud/text/testing'

const { values } = parseArgs({
  options: {
    help: { type: 'boolean', default: false },
    updates: { type: 'string', default: '200000' },
    seed: { type: 'string', default: '1' },
  },
})
if (values.help) {
  console.log('pnpm fuzz:yjs [--updates 200000] [--seed 1]')
  process.exit(0)
}
// CPU time: the machine may be busy with others
const cpuMs = () => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1_000
}
const start = performance.now()
const report = attackField(Number(values.seed), Number(values.updates), cpuMs)
console.log(
  JSON.stringify({
    seed: Number(values.seed),
    ...report,
    seconds: (performance.now() - start) / 1_000,
    node: process.version,
  }),
)
if (report.harm.length > 0 || report.slowestMs > 50 || report.updates !== Number(values.updates))
  process.exitCode = 1
