import { expect, test } from 'vitest'
import { testFolder, testProject } from '../scenario/folder.ts'
import { cutUploads } from './cut-uploads.ts'
import { openToAll } from './rules.ts'

test('[FILES-15] [FILE-2] [FILE-4] the server and the client killed in the middle of uploads: a document never names what is not whole', {
  timeout: 600_000,
}, async () => {
  const report = await cutUploads({
    project: testProject(openToAll),
    folder: testFolder('cut'),
    seed: 7,
    cuts: 4,
    photosEach: 2,
  })
  expect(report.wrong).toEqual([])
  expect(report.cuts).toBe(4)
  expect([report.servers, report.clients]).toEqual([3, 1])
  expect(report.looked).toBe(report.photos)
  console.log(JSON.stringify(report))
})
