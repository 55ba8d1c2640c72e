import { randomInt } from 'node:crypto'
import { fuzzRules } from './fuzz.ts'

/* `pnpm fuzz:rules [operations] [seed]`: random rules and deeds against a judge of the test's own; one line of JSON. */
const operations = Number(process.argv[2] ?? 50_000)
const seed = Number(process.argv[3] ?? randomInt(1, 2 ** 31))
const began = performance.now()
console.error(`seed ${seed}`)
const report = await fuzzRules({
  operations,
  seed,
  progress: done => console.error(`${done} of ${operations}`),
})
console.log(JSON.stringify({ seed, ...report, seconds: Math.round((performance.now() - began) / 1000) }))
