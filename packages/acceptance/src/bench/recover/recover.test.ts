import { join } from 'node:path'
import { expect, test } from 'vitest'
import { testFolder, testProject } from '../../scenario/folder.ts'
import { openTo } from '../../scenario/server.ts'
import { runRecover } from './recover.ts'

test('[RECOVER-1] a server with much to keep comes back when it was killed, ends when it is asked to, and comes back again', async () => {
  const project = testProject(openTo('log', 'tasks'))
  const data = join(testFolder('data'), 'data')
  const load = { writers: 4, followers: 4, writes: 40 }
  const report = await runRecover({ project, data, bytes: 2_000_000, ...load })
  expect(report.documents).toBeGreaterThan(1_000)
  expect(report.acknowledged).toBeGreaterThanOrEqual(40)
  expect(report.found).toBe(report.acknowledged)
})
