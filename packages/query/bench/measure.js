import { isDeepStrictEqual } from 'node:util'

/**
 * Milliseconds of each contestant, round by round. They take turns, so that a slow moment of the machine meets all. In a
 * turn one runs again and again for a while, as others measure too: the first moments of a turn do not decide. The first
 * rounds are for the compiler.
 */
export async function measure({ contestants }, rounds) {
  const times = Object.fromEntries(Object.keys(contestants).map(peer => [peer, []]))
  for (let round = -warmUp; round < rounds; round++)
    for (const [peer, contestant] of Object.entries(contestants)) {
      const ms = await turn(contestant)
      if (round >= 0) times[peer].push(ms)
    }
  return times
}

async function turn({ prepare, run }) {
  let [spent, runs] = [0, 0]
  while (spent < turnMs) {
    const prepared = prepare?.()
    const start = performance.now()
    await run(prepared)
    spent += performance.now() - start
    runs++
  }
  return spent / runs
}

/** Throws unless all contestants answer as the first does: a wrong answer is not fast. */
export async function compare({ name, contestants }) {
  const answers = []
  for (const { prepare, run } of Object.values(contestants)) answers.push(await run(prepare?.()))
  for (const [i, peer] of Object.keys(contestants).entries())
    if (!isDeepStrictEqual(answers[0], answers[i])) throw new Error(`ours and ${peer} disagree on ${name}`)
}

export function median(times) {
  return [...times].sort((a, b) => a - b)[times.length >> 1]
}

const warmUp = 5
const turnMs = 30
