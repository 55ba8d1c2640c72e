import { expect, onTestFinished, test } from 'vitest'
import { openRelay } from '../relay/relay.ts'
import { openBrowser, openWindow } from '../scenario/browser.ts'
import { testFolder } from '../scenario/folder.ts'
import { openTo, startServer } from '../scenario/server.ts'
import { buildSite } from '../scenario/site.ts'

test('[POLL-20] two windows of a real browser behind a proxy that knows no WebSocket write, and see each other', async () => {
  const site = testFolder('site')
  await buildSite(site)
  const server = await startServer({ rules: openTo('items'), site })
  const relay = await openRelay({ to: server.url, faults: { stripUpgrade: true } })
  onTestFinished(() => relay.stop())
  const browser = await openBrowser()
  const windows = [await openWindow(browser, relay.url), await openWindow(browser, relay.url)]
  for (const page of windows) {
    await page.evaluate(env => window.app.open({ env, collection: 'items' }), server.env)
    await page.evaluate(() => window.app.cloud.whenSynced())
  }
  await windows[0]!.evaluate(() =>
    window.app.cloud
      .database()
      .collection('items')
      .add({ data: { _id: 'a', title: '你好 😀', count: 1 } }),
  )
  await windows[1]!.waitForFunction(() => window.app.all('items').then(all => all.length === 1))
  await windows[1]!.evaluate(() => window.app.edit('items', [{ kind: 'inc', id: 'a', by: 41 }]))
  await windows[1]!.evaluate(() => window.app.cloud.whenSynced())
  const { data } = await server.database().collection('items').doc('a').get()
  expect(data).toMatchObject({ title: '你好 😀', count: 42 })
  expect(relay.counts.strip).toBeGreaterThanOrEqual(2)
})

test('[PAGES-1] a real browser fetches its first result over HTTP, from another origin too, and unpacks it', async () => {
  const site = testFolder('site')
  await buildSite(site)
  const server = await startServer({ rules: openTo('items') })
  const pages = await startServer({ rules: openTo('items'), site })
  const relay = await openRelay({ to: server.url })
  onTestFinished(() => relay.stop())
  const documents = Array.from({ length: 4_000 }, (_, n) => ({
    _id: `doc-${n}`,
    title: `task number ${n}`,
    done: false,
  }))
  await server.database().collection('items').add({ data: documents })
  const browser = await openBrowser()
  const page = await openWindow(browser, pages.url)
  await page.evaluate(
    endpoint => window.app.cloud.init({ endpoint, subscribe: { items: true }, snapshots: 'http' }),
    relay.url,
  )
  await page.evaluate(() => window.app.cloud.whenSynced())
  const { total } = await page.evaluate(() => window.app.cloud.database().collection('items').count())
  expect(total).toBe(4_000)
  expect(relay.bytes.down).toBeLessThan(JSON.stringify(documents).length * 0.36)
})
