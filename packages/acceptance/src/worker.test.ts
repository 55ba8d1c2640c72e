import { expect, test } from 'vitest'
import { openBrowser } from './scenario/browser.ts'
import { testFolder } from './scenario/folder.ts'
import { openTo, startServer } from './scenario/server.ts'
import { buildSite } from './scenario/site.ts'

test('[WORKER-4] a page whose storage and network are in a worker syncs both ways, beside a page without one', async () => {
  const site = testFolder('site')
  await buildSite(site)
  const server = await startServer({ rules: openTo('notes'), site })
  const notes = server.database().collection('notes')
  await notes.add({ data: { _id: 'one', list: [], count: 0 } })
  const browser = await openBrowser()
  const context = await browser.newContext()
  const pages = []
  for (const query of ['?worker', '', '?worker']) {
    const page = await context.newPage()
    await page.goto(server.url + query)
    await page.evaluate(env => window.app.open({ env, collection: 'notes' }), server.env)
    pages.push(page)
  }
  for (const page of pages) {
    await page.evaluate(() =>
      window.app.edit('notes', [
        { kind: 'push', id: 'one', value: `from ${location.search}` },
        { kind: 'inc', id: 'one', by: 1 },
      ]),
    )
    await page.evaluate(() => window.app.cloud.whenSynced())
  }
  const { data } = await notes.doc('one').get()
  expect(data).toMatchObject({ count: 3, list: ['from ?worker', 'from ', 'from ?worker'] })
  // the one that leads goes, with its worker
  await pages.shift()!.close()
  await notes.doc('one').update({ data: { count: 9 } })
  for (const page of pages)
    await expect.poll(() => page.evaluate(() => window.app.all('notes'))).toMatchObject([{ count: 9 }])
})
