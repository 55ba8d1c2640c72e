import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { addFaults, faults, noFaults } from './faults.ts'
import type { Invariant } from './invariants.ts'
import { settingOf, settings } from './settings.ts'
import { Broken, type Report, runSeed } from './sim.ts'

/*
 * Many worlds, one after the other; one line of JSON at the end. Fails when a promise was broken, when a world that was
 * turned twice went two ways, or when a fault was used fewer than `--faults` times.
 */
const help = `pnpm sim [options]
  --steps 1440000   ends when so many steps were taken (1e6 is fine, and may use a fault too seldom)
  --seeds 1000      ends after so many worlds
  --from 1          the first seed, or "random"
  --faults 100      each fault has to be used so often
  --twice 10        every tenth world is turned twice; 0: none
  --stop 3          ends after so many failures
  --setting NAME    a world in which one kind of thing happens more than others: ${Object.keys(settings).join(', ')}
  --loud            tells everything that happens
  --brief           no progress, no stories`
const { values } = parseArgs({
  options: {
    steps: { type: 'string', default: '1440000' },
    seeds: { type: 'string', default: 'Infinity' },
    from: { type: 'string', default: '1' },
    faults: { type: 'string', default: '100' },
    twice: { type: 'string', default: '10' },
    stop: { type: 'string', default: '3' },
    setting: { type: 'string', default: '' },
    loud: { type: 'boolean', default: false },
    brief: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  console.log(help)
  process.exit(0)
}

const from = values.from === 'random' ? randomInt(1, 2 ** 31) : Number(values.from)
const [mostSteps, mostSeeds, mostFailures] = [values.steps, values.seeds, values.stop].map(Number) as [
  number,
  number,
  number,
]
const setting = settingOf(values.setting)
const every = Number(values.twice)
const began = performance.now()
const used = noFaults()
const happened: Record<string, number> = {}
const failures: { seed: number; invariant: Invariant | 'trace'; words: string }[] = []
let [seeds, steps, decided, rejected, twice, told] = [0, 0, 0, 0, 0, 0]

function seconds(): number {
  return Math.round((performance.now() - began) / 100) / 10
}

function count(report: Report): void {
  steps += report.steps
  decided += report.decided
  rejected += report.rejected
  addFaults(used, report.faults)
  for (const [name, times] of Object.entries(report.happened)) happened[name] = (happened[name] ?? 0) + times
}

async function turn(seed: number): Promise<void> {
  try {
    const report = await runSeed(seed, { isLoud: values.loud, setting })
    count(report)
    if (every === 0 || seeds % every !== 0) return
    twice++
    const again = await runSeed(seed, { setting })
    if (again.hash !== report.hash)
      failures.push({ seed, invariant: 'trace', words: `once ${report.hash}, once ${again.hash}` })
  } catch (thrown) {
    if (!(thrown instanceof Broken)) throw thrown
    steps += thrown.steps
    failures.push({ seed, invariant: thrown.invariant, words: thrown.message.slice(0, 300) })
    if (!values.brief) console.error(thrown.message.slice(0, 3_000))
  }
}

while (steps < mostSteps && seeds < mostSeeds && failures.length < mostFailures) {
  await turn(from + seeds)
  seeds++
  if (values.brief || performance.now() - told < 10_000) continue
  told = performance.now()
  console.error(`${steps} steps, ${seeds} worlds, ${failures.length} failures, ${seconds()} s`)
}
const missing = faults.filter(fault => used[fault] < Number(values.faults))
if (missing.length > 0 && !values.brief)
  console.error(missing.map(fault => `used only ${used[fault]} times: ${fault}`).join('\n'))
console.log(
  JSON.stringify({
    from,
    seeds,
    steps,
    failures,
    twice,
    missing,
    decided,
    rejected,
    seconds: seconds(),
    faults: used,
    happened,
  }),
)
process.exitCode = failures.length + missing.length === 0 ? 0 : 1
