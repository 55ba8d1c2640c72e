import { commandValues } from '../command.ts'
import { addFaults, faults, noFaults } from './faults.ts'
import type { Invariant } from './invariants.ts'
import { settingOf, settings } from './settings.ts'
import { Broken, type Report, runSeed } from './sim.ts'

/*
 * Many worlds, one after the other; one line of JSON at the end. Fails when a promise was broken, when a world that was
 * turned twice went two ways, or when a fault was used fewer than `--faults` times.
 */
const values = commandValues({
  name: 'pnpm sim',
  about: 'Many simulated worlds, one after the other. One line of JSON at the end.',
  options: {
    steps: [1_440_000, 'ends when so many steps were taken (1e6 is fine, and may use a fault too seldom)'],
    seeds: [Number.POSITIVE_INFINITY, 'ends after so many worlds'],
    from: [1, 'the first seed, or "random"'],
    faults: [100, 'each fault has to be used so often'],
    twice: [10, 'every tenth world is turned twice; 0: none'],
    stop: [3, 'ends after so many failures'],
    setting: [
      '',
      `a world in which one kind of thing happens more than others: ${Object.keys(settings).join(', ')}`,
    ],
    loud: [false, 'tells everything that happens'],
    brief: [false, 'no progress, no stories'],
  },
})

const { from, twice: every, steps: mostSteps, seeds: mostSeeds, stop: mostFailures } = values
const setting = settingOf(values.setting)
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
