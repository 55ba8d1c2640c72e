import { expect, test } from 'vitest'
import { killBrowsers, wrongIn } from './browser-kills.ts'

test('what was acknowledged survives the whole browser being killed, and a write comes back whole', async () => {
  const moments = [0.1, 0.7]
  const report = await killBrowsers(2, () => moments.pop()!)
  expect(report).toMatchObject({ kills: 2, violations: [] })
  expect(report.acknowledged).toBeGreaterThan(1)
  expect(report.found).toBe(report.acknowledged)
}, 120_000)

test('whatever is missing, half or damaged is a violation', () => {
  const whole = { documents: 5, missing: 5, counted: 5, pending: 5, lost: undefined }
  expect(wrongIn(whole, 5)).toEqual([])
  expect(wrongIn(whole, 6)).toEqual([expect.stringContaining('acknowledged')])
  for (const wrong of [{ documents: 6 }, { counted: 4 }, { pending: 4 }, { lost: 'changes' }])
    expect(wrongIn({ ...whole, ...wrong }, 5)).toHaveLength(1)
})
