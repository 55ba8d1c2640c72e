import { expect, test } from 'vitest'
import { clientDeeds, firstDocuments } from './client-deeds.ts'
import { judgeDeed } from './deed-documents.ts'
import { sweepPage } from './page-sweep.ts'

test('a page whose storage fails or stops at any call of a batch has all of it or nothing, and what was acknowledged', async () => {
  const report = await sweepPage({ only: 'batch', kinds: ['fail', 'stop after'] })
  expect(report.violations).toEqual([])
  expect(report.calls['batch over two collections']).toBeGreaterThan(5)
  for (const count of [report.made, report.unmade, report.acknowledged]) expect(count).toBeGreaterThan(2)
}, 120_000)

test('a storage that says it has written, and has not, is found out', async () => {
  const { violations } = await sweepPage({ only: 'inc', kinds: ['lie'] })
  expect(violations).toContainEqual(expect.stringContaining('acknowledged and lost'))
}, 120_000)

test('half a deed, one that is lost, and an outbox that says otherwise are violations', () => {
  const deed = clientDeeds.find(({ name }) => name.startsWith('batch'))!
  const after = { ...firstDocuments, ...deed.makes }
  expect(judgeDeed(deed, after, 1, true)).toEqual({ isMade: true, wrong: [] })
  expect(judgeDeed(deed, firstDocuments, 0, false)).toEqual({ isMade: false, wrong: [] })
  expect(judgeDeed(deed, firstDocuments, 0, true).wrong).toEqual(['acknowledged and lost'])
  expect(judgeDeed(deed, after, 0, true).wrong).toHaveLength(1)
  expect(judgeDeed(deed, firstDocuments, 1, false).wrong).toHaveLength(1)
  const half = { ...firstDocuments, 'todos/e': { n: 9 } }
  expect(judgeDeed(deed, half, 0, false).wrong).toEqual([expect.stringContaining('half of it')])
})
