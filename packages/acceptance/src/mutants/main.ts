import { availableParallelism } from 'node:os'
import { commandValues } from '../command.ts'
import { type Hunt, hunt } from './hunt.ts'
import type { Mutant } from './mutant.ts'
import { mutants } from './mutants.ts'

/*
 * Plants one bug after the other and lets the simulator look for it: a table, and one line of JSON at the end. Fails when
 * one is not found within `--steps`, or when there is no place for it any more.
 */
const values = commandValues({
  name: 'pnpm sim:mutants',
  about: 'Plants one bug after the other and lets the simulator look for it.',
  options: {
    steps: [400_000, 'of the simulator, at most, for each bug'],
    from: [1, 'the first seed'],
    only: ['', 'bugs whose name has this in it'],
    workers: [Math.min(2, availableParallelism()), 'so many at once'],
  },
})
const chosen = mutants.filter(({ name }) => name.includes(values.only))
const limits = { steps: values.steps, from: values.from }
const began = performance.now()
const found: { mutant: Mutant; hunt: Hunt | undefined; trouble?: string }[] = []
const waiting = [...chosen]

async function work(): Promise<void> {
  for (let mutant = waiting.shift(); mutant; mutant = waiting.shift()) {
    try {
      found.push({ mutant, hunt: await hunt(mutant, limits) })
    } catch (thrown) {
      found.push({
        mutant,
        hunt: undefined,
        trouble: thrown instanceof Error ? thrown.message : String(thrown),
      })
    }
    tell(found.at(-1)!)
  }
}

function tell({ mutant: { name }, hunt, trouble }: (typeof found)[number]): void {
  const by = hunt?.invariant ?? (trouble === undefined ? 'NOT FOUND' : 'CANNOT RUN')
  const cost = hunt ? `${hunt.seeds} seeds  ${hunt.steps} steps  ${hunt.seconds} s` : ''
  console.log(`${name.padEnd(66)} ${by.padEnd(11)} ${cost}`)
  if (trouble !== undefined) console.log(trouble)
}

await Promise.all(Array.from({ length: values.workers }, work))
const missed = found.filter(({ hunt }) => hunt?.invariant === undefined).map(({ mutant }) => mutant.name)
console.log(
  JSON.stringify({
    mutants: chosen.length,
    found: chosen.length - missed.length,
    missed,
    steps: found.reduce((sum, { hunt }) => sum + (hunt?.steps ?? 0), 0),
    seconds: Math.round((performance.now() - began) / 1_000),
    by: Object.fromEntries(
      found.map(({ mutant, hunt }) => [mutant.name, [hunt?.invariant, hunt?.seeds, hunt?.words]]),
    ),
  }),
)
process.exitCode = missed.length === 0 && chosen.length > 0 ? 0 : 1
