import { expect, test } from 'vitest'
import { runSeed } from './sim.ts'

test('150 worlds of people, networks, crashes and rules that change end quiet, equal and fair', async () => {
  const happened = new Set<string>()
  let [decided, rejected] = [0, 0]
  for (let seed = 1; seed <= 150; seed++) {
    const report = await runSeed(seed)
    decided += report.decided
    rejected += report.rejected
    for (const name of Object.keys(report.happened)) happened.add(name)
  }
  // a world in which nothing happens proves nothing
  expect(happened.size).toBe(41)
  expect(decided).toBeGreaterThan(1_500)
  expect(rejected).toBeGreaterThan(300)
}, 180_000)

test('a seed says everything: the same world twice is the same to the last frame', async () => {
  for (const seed of [1, 2, 3, 500]) {
    const [first, second] = [await runSeed(seed), await runSeed(seed)]
    expect(second).toEqual(first)
  }
  expect((await runSeed(7)).hash).not.toBe((await runSeed(8)).hash)
})
