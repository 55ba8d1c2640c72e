import { parseArgs } from 'node:util'
import { Broken, runSeed } from './sim.ts'

/*
 * Many worlds, one after the other; one line of JSON at the end.
 *
 *   node packages/acceptance/dist/sim/main.js --seeds 5000 --from 1 [--steps 350] [--stop 3] [--loud]
 */
const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    steps: { type: 'string', default: '350' },
    stop: { type: 'string', default: '3' },
    loud: { type: 'boolean', default: false },
  },
})
const from = Number(values.from)
const began = performance.now()
const happened: Record<string, number> = {}
const failures: { seed: number; message: string }[] = []
let [seeds, steps, decided, rejected] = [0, 0, 0, 0]
for (let seed = from; seed < from + Number(values.seeds); seed++) {
  seeds++
  try {
    const report = await runSeed(seed, { steps: Number(values.steps), isLoud: values.loud })
    steps += report.steps
    decided += report.decided
    rejected += report.rejected
    for (const [name, count] of Object.entries(report.happened))
      happened[name] = (happened[name] ?? 0) + count
  } catch (thrown) {
    if (!(thrown instanceof Broken)) throw thrown
    failures.push({ seed, message: thrown.message.slice(0, 1_500) })
    console.error(thrown.message.slice(0, 3_000))
    if (failures.length >= Number(values.stop)) break
  }
}
const seconds = Math.round((performance.now() - began) / 100) / 10
console.log(
  JSON.stringify({
    from,
    seeds,
    failures: failures.map(each => each.seed),
    steps,
    decided,
    rejected,
    seconds,
    happened,
  }),
)
process.exitCode = failures.length === 0 ? 0 : 1
