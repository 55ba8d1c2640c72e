import { expect, test } from 'vitest'
import { addFaults, faults, noFaults } from './faults.ts'
import { runSeed } from './sim.ts'

test('[SIM-1] 240 worlds of people, networks, disks, crashes and rules that change end quiet, equal and fair', async () => {
  const happened = new Set<string>()
  const used = noFaults()
  let [decided, rejected] = [0, 0]
  for (let seed = 1; seed <= 240; seed++) {
    const report = await runSeed(seed)
    decided += report.decided
    rejected += report.rejected
    addFaults(used, report.faults)
    for (const name of Object.keys(report.happened)) happened.add(name)
  }
  // a world in which nothing happens proves nothing
  expect(faults.filter(fault => used[fault] < 5)).toEqual([])
  expect(happened.size).toBe(46)
  expect(decided).toBeGreaterThan(2_500)
  expect(rejected).toBeGreaterThan(800)
}, 300_000)

test('[SIM-2] a seed says everything: the same world twice is the same to the last frame', async () => {
  for (const seed of [1, 2, 3, 500]) {
    const [first, second] = [await runSeed(seed), await runSeed(seed)]
    expect(second).toEqual(first)
  }
  expect((await runSeed(7)).hash).not.toBe((await runSeed(8)).hash)
})
