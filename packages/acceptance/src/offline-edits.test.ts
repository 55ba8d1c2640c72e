import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { openBrowser, openWindow } from './scenario/browser.ts'
import { type EditedDocument, type Expected, expectedOf, randomEdits } from './scenario/edits.ts'
import { testFolder } from './scenario/folder.ts'
import { openTo, startServer } from './scenario/server.ts'
import { buildSite } from './scenario/site.ts'

const ids = Array.from({ length: 50 }, (_, n) => `doc-${String(n).padStart(2, '0')}`)

test.each([1, 2])(
  'two windows edit 50 documents 200 times each without a network, and then agree (seed %i)',
  async seed => {
    const site = testFolder('site')
    await buildSite(site)
    const server = await startServer({ rules: openTo('items'), site })
    const items = server.database().collection('items')
    for (const _id of ids) await items.add({ data: { _id, count: 0, list: [] } })

    const browser = await openBrowser()
    const windows = [await openWindow(browser, server.url), await openWindow(browser, server.url)]
    for (const page of windows) {
      await page.evaluate(env => window.app.open({ env, collection: 'items' }), server.env)
      await page.evaluate(() => window.app.cloud.whenSynced())
      expect(await allOf(page)).toHaveLength(50)
    }

    for (const page of windows) {
      await page.context().setOffline(true)
      await page.waitForFunction(() => window.app.cloud.status().state === 'offline')
    }
    const edits = ['ann', 'bob'].map((author, n) => randomEdits(seed * 2 + n, author, 200, ids))
    await Promise.all(
      windows.map((page, n) => page.evaluate(list => window.app.edit('items', list), edits[n]!)),
    )
    for (const page of windows) expect(await pendingOf(page)).toBe(200)
    expect(await allOf(windows[0]!)).not.toEqual(await allOf(windows[1]!))

    for (const page of windows) await page.context().setOffline(false)
    for (const page of windows) await page.evaluate(() => window.app.cloud.whenSynced())
    // a window has sent its own; what the other sent last may still be under way
    const { data: truth } = await items.orderBy('_id', 'asc').limit(1000).get()
    for (const page of windows) {
      await page.waitForFunction(
        count => window.app.all('items').then(all => all.length === count),
        truth.length,
      )
      await expect.poll(() => allOf(page), { timeout: 20_000 }).toEqual(truth)
      expect(await pendingOf(page)).toBe(0)
      expect(await page.evaluate(() => window.app.cloud.rejections.list)).toEqual([])
    }

    const expected = expectedOf(ids, edits)
    expect(truth.map(document => document._id)).toEqual(expected.map(({ id }) => id))
    for (const [n, document] of truth.entries()) check(document as unknown as EditedDocument, expected[n]!)
  },
)

function check(document: EditedDocument, expected: Expected): void {
  expect(document.count, `the counter of ${expected.id}`).toBe(expected.count)
  expect([...document.list].sort(), `every push to ${expected.id} once`).toEqual(expected.pushed)
  for (const [field, lasts] of expected.lastByField)
    if (lasts.length > 0) expect(lasts, `${expected.id}.${field}`).toContain(document[field])
}

function allOf(page: Page): Promise<unknown[]> {
  return page.evaluate(() => window.app.all('items'))
}

function pendingOf(page: Page): Promise<number> {
  return page.evaluate(() => window.app.cloud.status().pending)
}
