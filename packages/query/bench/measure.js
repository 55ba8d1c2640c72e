import { isDeepStrictEqual } from 'node:util'

/**
 * Median milliseconds of each contestant by name. They take turns, so that a slow moment of the machine meets all; the first
 * rounds are for the compiler. What they answer is compared first: a wrong answer is not fast.
 */
export async function measure({ name, contestants, check }, rounds) {
  const entries = Object.entries(contestants)
  const answers = []
  for (const [, { prepare, run }] of entries) answers.push(await run(prepare?.()))
  for (const [i, [peer]] of entries.entries()) check(answers[0], answers[i], `${name}: ours and ${peer}`)
  const times = new Map(entries.map(([peer]) => [peer, []]))
  for (let round = -warmUp; round < rounds; round++)
    for (const [peer, { prepare, run }] of entries) {
      const prepared = prepare?.()
      const start = performance.now()
      await run(prepared)
      if (round >= 0) times.get(peer).push(performance.now() - start)
    }
  return Object.fromEntries([...times].map(([peer, each]) => [peer, median(each)]))
}

export function sameAs(ours, theirs, what) {
  if (!isDeepStrictEqual(ours, theirs)) throw new Error(`${what} disagree`)
}

const warmUp = 5
const median = times => times.sort((a, b) => a - b)[times.length >> 1]
