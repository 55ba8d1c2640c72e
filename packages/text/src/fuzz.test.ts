import { expect, test } from 'vitest'
import { attackField } from './testing/index.ts'

test('[GATE-10] of twenty thousand hostile updates none does harm, and what passes is taken back exactly', () => {
  const report = attackField(1, 20_000, () => 0)
  expect(report.harm).toEqual([])
  expect(report.refused).toBeGreaterThan(10_000)
  expect(report.passed).toBeGreaterThan(500)
})
