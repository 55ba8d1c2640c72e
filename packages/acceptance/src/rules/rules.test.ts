import { expect, test } from 'vitest'
import { fuzzRules } from './fuzz.ts'

test('[RULEFUZZ-1] whatever the rules, and whoever asks, not a byte is told that a judge of the test’s own forbids', async () => {
  const report = await fuzzRules({ operations: 600, seed: 2026 })
  expect(report.operations).toBeGreaterThanOrEqual(600)
  // else it shows nothing
  expect(report.secrets).toBeGreaterThan(100)
  expect(report.answered).toBeGreaterThan(50)
  expect(report.refused).toBeGreaterThan(50)
  expect(report.refusedByFields).toBeGreaterThan(0)
  expect(report.refusedBySchemas).toBeGreaterThan(0)
  expect(Object.values(report.kinds).every(times => times > 0)).toBe(true)
  expect(Object.keys(report.kinds)).toHaveLength(16)
})
