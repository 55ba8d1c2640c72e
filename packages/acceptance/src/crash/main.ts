import { commandValues } from '../command.ts'
import { createDice } from '../scenario/dice.ts'
import { breakDisk, noEndings } from './broken-disk.ts'
import { newReport } from './report.ts'
import { selfTest } from './self-test.ts'
import { buildShim, type FaultMode, faultModes } from './shim.ts'
import { sweep } from './sweep.ts'

const values = commandValues({
  name: 'pnpm crash:server',
  about: 'A real server under real clients dies at a chosen system call, again and again.',
  options: {
    mode: ['kill', 'kill, torn, powerloss, eio, enospc, erofs'],
    points: [300, 'how often the server dies'],
    seed: [1, 'or "random"'],
    'self-test': [false, 'weakens the server and the disk: each has to be found, in --points points'],
    loud: [false, 'tells each end'],
  },
})
const mode = values.mode as FaultMode
if (!faultModes.includes(mode)) throw new Error(`--mode is one of ${faultModes.join(', ')}`)
const { seed } = values
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))
const began = performance.now()
const report = newReport()
const dice = createDice(seed)
const shim = buildShim()
if (values['self-test']) {
  const tests = await selfTest(shim, seed, values.points)
  console.log(JSON.stringify({ seed, tests }))
  process.exit(tests.every(({ found }) => found !== undefined) ? 0 : 1)
}
const endings = noEndings()
while (report.points < values.points && report.violations.length === 0) {
  const points = Math.min(1 + dice.below(20), values.points - report.points)
  const options = { points, dice, shim, isLoud: values.loud }
  if (mode === 'eio' || mode === 'enospc' || mode === 'erofs')
    await breakDisk({ ...options, mode }, report, endings)
  else await sweep({ ...options, mode }, report)
}
const seconds = Math.round((performance.now() - began) / 100) / 10
console.log(
  JSON.stringify({
    mode,
    seed,
    seconds,
    ...report,
    ...(['eio', 'enospc', 'erofs'].includes(mode) && { endings }),
    violations: report.violations.slice(0, 20).map(words => words.slice(0, 300)),
  }),
)
process.exitCode = report.violations.length === 0 ? 0 : 1
