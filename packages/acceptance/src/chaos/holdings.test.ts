import { closeSync, mkdirSync, openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { testFolder } from '../scenario/folder.ts'
import { Holdings, tooMuchOf } from './holdings.ts'

test('[CHAOS-2] files that stay open are seen, and the largest that the log was', () => {
  const data = join(testFolder('data'), 'data')
  mkdirSync(data)
  const log = join(data, 'nearcloud.db-wal')
  const holdings = new Holdings(process.pid, data)
  writeFileSync(log, new Uint8Array(2 * 1_048_576))
  holdings.note()
  writeFileSync(log, '')
  holdings.note()
  const opened = Array.from({ length: 100 }, () => openSync(log, 'r'))
  const report = holdings.report()
  for (const file of opened) closeSync(file)
  expect(report.logMb).toBe(2)
  if (process.platform !== 'linux') return
  expect(report.filesAfter).toBeGreaterThanOrEqual(report.filesBefore + 100)
  expect(tooMuchOf(report)).toEqual([expect.stringContaining('files open')])
})

test('[CHAOS-2] a few more are none too much, a log of more than 256 MB is', () => {
  expect(tooMuchOf({ filesBefore: 30, filesAfter: 60, logMb: 64 })).toEqual([])
  expect(tooMuchOf({ filesBefore: 30, filesAfter: 30, logMb: 257 })).toEqual([
    expect.stringContaining('257 MB'),
  ])
})
