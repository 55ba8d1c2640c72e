import { join } from 'node:path'
import { expect, test } from 'vitest'
import { testFolder } from '../scenario/folder.ts'
import { fuzzHttp } from './http.ts'
import { writeHttpProject } from './http-project.ts'

test('[DOOR-10] hostile requests are answered or cut off, and nothing else: the same process, no defect, no secret, others served', async () => {
  const project = testFolder('project')
  writeHttpProject(project)
  const report = await fuzzHttp({ project, data: join(testFolder('data'), 'data'), count: 1_500, seed: 2026 })
  expect(report.bad).toEqual([])
  expect(report.isAlive).toBe(true)
  expect(report.probes).toBeGreaterThan(0)
  expect(report.rssGrowthMb).toBeLessThan(128)
  // some get far, and all ways to be refused are there
  for (const status of ['200', '201', '400', '401', '403', '404', '415'])
    expect(report.statuses[status], status).toBeGreaterThan(0)
})
