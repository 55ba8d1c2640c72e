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

test('[WORKER-5] a page whose engine is in a worker: the worker leads, the page answers from its own memory', async () => {
  const site = testFolder('site')
  await buildSite(site)
  const server = await startServer({ rules: openTo('notes'), site })
  const notes = server.database().collection('notes')
  await notes.add({ data: { _id: 'one', list: [], count: 0 } })
  const browser = await openBrowser()
  const context = await browser.newContext()
  const page = await context.newPage()
  await page.goto(`${server.url}?engine`)
  await page.evaluate(env => window.app.open({ env, collection: 'notes' }), server.env)
  await page.evaluate(() => window.app.cloud.whenSynced())
  expect(await page.evaluate(() => window.app.all('notes'))).toMatchObject([{ _id: 'one', count: 0 }])
  await page.evaluate(() => window.app.edit('notes', [{ kind: 'inc', id: 'one', by: 2 }]))
  await page.evaluate(() => window.app.cloud.whenSynced())
  expect((await notes.doc('one').get()).data).toMatchObject({ count: 2 })
  const told = page.evaluate(
    () =>
      new Promise(resolve =>
        window.app.cloud
          .database()
          .collection('notes')
          .where({ count: 5 })
          .watch({ onChange: ({ docs }) => docs.length > 0 && resolve(docs.length), onError: resolve }),
      ),
  )
  await notes.doc('one').update({ data: { count: 5 } })
  expect(await told).toBe(1)
  const ofMain = await page.evaluate(async () => {
    const { held = [] } = await navigator.locks.query()
    return navigator.locks.request('probe', async () => {
      const { held: now = [] } = await navigator.locks.query()
      const mine = now.find(({ name }) => name === 'probe')!.clientId
      return held.find(({ name }) => name === 'nearcloud.tabs:default.main')!.clientId === mine
    })
  })
  expect(ofMain).toBe(false)
  await page.evaluate(() => window.app.cloud.close())
  expect(await page.evaluate(async () => (await navigator.locks.query()).held)).toEqual([])
})
