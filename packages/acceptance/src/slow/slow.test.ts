import { join } from 'node:path'
import { expect, test } from 'vitest'
import { testFolder, testProject } from '../scenario/folder.ts'
import { openTo } from '../scenario/server.ts'
import { runSlow } from './slow.ts'

test('[SLOW-1] who never reads is sent away and comes back to the latest state; the server keeps its memory, and others are served', async () => {
  const project = testProject(openTo('board', 'large'))
  const data = join(testFolder('data'), 'data')
  const report = await runSlow({ project, data, readers: 10, probes: 12 })
  expect(report.isAlive).toBe(true)
  expect(report.cut).toBe(10)
  expect(report.equal).toBe(10)
  expect(report.rssGrowthMb).toBeLessThan(150)
})
