import { commandValues } from '../command.ts'
import { createDice } from '../scenario/dice.ts'
import { countHit, newReport } from './report.ts'
import { endOf, RestoreWorld } from './restore-world.ts'
import { buildShim, type FaultMode } from './shim.ts'

const values = commandValues({
  name: 'pnpm crash:restore',
  about:
    'A restore to a moment is hit at chosen system calls: it is whole, or opens no server until it was done once more.',
  options: {
    mode: ['powerloss', 'kill, torn, powerloss, eio, enospc'],
    points: [40, 'how often it is hit'],
    seed: [1, 'or "random"'],
  },
})
const mode = values.mode as FaultMode
if (!['kill', 'torn', 'powerloss', 'eio', 'enospc'].includes(mode))
  throw new Error('--mode is kill, torn, powerloss, eio or enospc')
const shim = buildShim()
const dice = createDice(values.seed)
const world = new RestoreWorld()
const report = newReport()
process.once('exit', () => world.close())
await world.open(300)
const counted = world.newTarget()
await endOf(world.restore(counted, shim, { mode: 'count', at: 0, seed: 1 }))
const calls = Number(/\d+/.exec(world.hit(counted) ?? '')?.[0] ?? 0)
if (calls < 20) throw new Error(`a restore makes only ${calls} calls: ${world.hit(counted)}`)
for (; report.points < values.points && report.violations.length === 0; report.points++) {
  const target = world.newTarget()
  const only = dice.pick(['sync', 'others', undefined] as const)
  const most = only === 'sync' ? 40 : only === 'others' ? 100 : calls
  const fault = { mode, at: 1 + dice.below(most), seed: dice.below(2 ** 31), ...(only && { only }) }
  const { code, signal, said } = await endOf(world.restore(target, shim, fault))
  countHit(report, world.hit(target))
  const isFailed =
    signal === 'SIGKILL' ||
    (code === 1 && /^nearcloud: [^\n]+\n?$/m.test(said) && !said.includes('\n    at '))
  const wrong =
    isFailed || code === 0 ? await world.judge(target) : `it ended with ${code ?? signal}: ${said}`
  if (wrong)
    report.violations.push(
      `${mode} at ${only ?? 'call'} ${fault.at}, seed ${fault.seed} (${world.hit(target)}): ${wrong}`,
    )
}
const { points, hits, violations } = report
console.log(JSON.stringify({ mode, seed: values.seed, calls, points, hits, violations }))
process.exitCode = violations.length === 0 ? 0 : 1
