import { expect, test } from 'vitest'
import { runRevocations } from './revocations.ts'

test('[REVOKE-1] [REVOKE-2] what may not be read any more goes from devices that are connected, and from those that come back before they show anything new', {
  timeout: 600_000,
}, async () => {
  const report = await runRevocations({ seed: 3, count: 40, devices: 4 })
  expect(report.violations).toEqual([])
  expect(report.online).toBeGreaterThan(20)
  expect(report.offline).toBeGreaterThan(3)
  console.log(JSON.stringify(report))
})
