import { commandValues } from '../command.ts'
import { sweepClient } from './client-sweep.ts'
import { sweepPage } from './page-sweep.ts'
import { buildShim } from './shim.ts'

const values = commandValues({
  name: 'pnpm crash:client',
  about: 'A client is stopped at every call of its storage, in twelve kinds of deeds.',
  options: {
    mode: ['kill', 'kill, torn, powerloss: the last with strict durability'],
    chromium: [
      false,
      'a client in a page instead: each call of its storages fails or stops, over real IndexedDB',
    ],
    only: ['', 'deeds with this in their name'],
    seed: [1, 'the dice of a power cut'],
  },
})
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
const { seed } = values
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
