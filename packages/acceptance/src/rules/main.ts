import { commandValues } from '../command.ts'
import { fuzzRules } from './fuzz.ts'

const { operations, seed } = commandValues({
  name: 'pnpm fuzz:rules',
  about: "Random rules and deeds against a judge of the test's own. One line of JSON.",
  options: { operations: [50_000, ''], seed: ['random', ''] },
  inOrder: ['operations', 'seed'],
})
const began = performance.now()
console.error(`seed ${seed}`)
const report = await fuzzRules({
  operations,
  seed,
  progress: done => console.error(`${done} of ${operations}`),
})
console.log(JSON.stringify({ seed, ...report, seconds: Math.round((performance.now() - began) / 1000) }))
