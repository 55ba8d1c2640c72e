import { join } from 'node:path'
import { expect, test } from 'vitest'
import { testFolder, testProject } from '../scenario/folder.ts'
import { openTo } from '../scenario/server.ts'
import { fuzzCommand } from './run.ts'

test('[DOOR-6] hostile frames end their sockets and nothing else: the same process, no more memory, others served', async () => {
  const project = testProject(openTo('todos'))
  const data = join(testFolder('data'), 'data')
  const report = await fuzzCommand({ project, data, count: 20_000, seed: 2026 })
  expect(report.isAlive).toBe(true)
  expect(report.frames).toBe(20_000)
  expect(report.sockets).toBeGreaterThan(800)
  expect(report.probes).toBeGreaterThan(0)
  expect(report.rssGrowthMb).toBeLessThan(64)
})
