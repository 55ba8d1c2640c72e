import { parseArgs } from 'node:util'
import { sweepClient } from './client-sweep.ts'
import { sweepPage } from './page-sweep.ts'
import { buildShim } from './shim.ts'

const help = `pnpm crash:client [options]
  --mode kill        kill, torn, powerloss: the last with strict durability
  --chromium         a client in a page instead: each call of its storages fails or stops, over real IndexedDB
  --only <text>      deeds with this in their name
  --seed 1           the dice of a power cut`
const { values } = parseArgs({
  options: {
    mode: { type: 'string', default: 'kill' },
    chromium: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    seed: { type: 'string', default: '1' },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  console.log(help)
  process.exit(0)
}
const began = performance.now()
const progress = (words: string) => console.error(words)
const secondsPassed = () => Math.round((performance.now() - began) / 100) / 10
if (values.chromium) {
  const report = await sweepPage({ only: values.only, progress })
  console.log(JSON.stringify({ seconds: secondsPassed(), ...report }))
  process.exit(report.violations.length === 0 ? 0 : 1)
}
const modes = ['kill', 'torn', 'powerloss'] as const
const mode = modes.find(each => each === values.mode)
if (!mode) throw new Error(`--mode is one of ${modes.join(', ')}`)
const seed = Number(values.seed)
const report = await sweepClient({
  ...{ mode, shim: buildShim(), seed, only: values.only },
  progress,
})
console.log(
  JSON.stringify({
    mode,
    seed,
    seconds: secondsPassed(),
    ...report,
    violations: report.violations.slice(0, 20),
  }),
)
process.exit(report.violations.length === 0 ? 0 : 1)
