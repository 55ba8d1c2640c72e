import { expect, test } from 'vitest'
import { runChaos } from './chaos.ts'

test('[CHAOS-1] five client processes and a server in bad weather: nothing lost, nothing doubled, all equal', {
  timeout: 600_000,
}, async () => {
  const report = await runChaos({
    seed: 2026,
    clients: 5,
    minutes: 2,
    most: 60,
    paceMs: 60,
    spellMs: 300,
    isSticking: false,
  })
  expect(report.violations).toEqual([])
  expect(report.made).toBeGreaterThan(5 * 60)
  expect(report.acknowledged).toBe(report.made)
  const hits = Object.values(report.faults).reduce((sum, count) => sum + count, 0)
  expect(hits).toBeGreaterThan(20)
  console.log(`${report.made} deeds, ${hits} faults, equal after ${report.equalAfterMs} ms`)
})
