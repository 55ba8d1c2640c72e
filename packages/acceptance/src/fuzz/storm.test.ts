import { join } from 'node:path'
import { expect, test } from 'vitest'
import { testFolder } from '../scenario/folder.ts'
import { writeHttpProject } from './http-project.ts'
import { storm } from './storm.ts'

test('[DOOR-11] hostile frames and requests at once: the same process, no more memory, nothing told, a healthy client served', async () => {
  const project = testFolder('project')
  writeHttpProject(project)
  const data = join(testFolder('data'), 'data')
  const report = await storm({ project, data, frames: 4_000, requests: 300, seed: 2026 })
  expect(report.bad).toEqual([])
  expect(report.isAlive).toBe(true)
  expect(report.frames).toBe(4_000)
  expect(report.requests).toBeGreaterThanOrEqual(300)
  expect(report.healthy.probes).toBeGreaterThan(2)
  expect(report.rssGrowthMb).toBeLessThan(192)
})
