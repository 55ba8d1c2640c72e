import { expect, test } from 'vitest'
import { openBrowser, openWindow } from './scenario/browser.ts'
import { testFolder } from './scenario/folder.ts'
import { startServer } from './scenario/server.ts'
import { buildSite } from './scenario/site.ts'

test('an edit that a rule refuses goes back in the window, is kept with its reason, and later edits still arrive', async () => {
  const site = testFolder('site')
  await buildSite(site)
  const server = await startServer({
    rules: { database: { items: { read: true, create: true, update: 'request.data.title != "forbidden"' } } },
    site,
  })
  const items = server.database().collection('items')
  await items.add({ data: { _id: 'one', title: 'as it was', count: 0, list: [] } })

  const page = await openWindow(await openBrowser(), server.url)
  await page.evaluate(env => window.app.open({ env, collection: 'items' }), server.env)
  await page.evaluate(() => window.app.cloud.whenSynced())
  await page.context().setOffline(true)
  await page.waitForFunction(() => window.app.cloud.status().state === 'offline')
  await page.evaluate(() =>
    window.app.edit('items', [
      { kind: 'inc', id: 'one', by: 1 },
      { kind: 'set', id: 'one', field: 'title', value: 'forbidden' },
      { kind: 'push', id: 'one', value: 'later' },
      { kind: 'inc', id: 'one', by: 1 },
    ]),
  )
  expect(await page.evaluate(() => window.app.all('items'))).toMatchObject([
    { title: 'forbidden', count: 2, list: ['later'] },
  ])

  await page.context().setOffline(false)
  await page.evaluate(() => window.app.cloud.whenSynced())
  const after = [{ _id: 'one', title: 'as it was', count: 2, list: ['later'] }]
  expect(await page.evaluate(() => window.app.all('items'))).toEqual(after)
  expect((await items.get()).data).toEqual(after)
  const rejections = await page.evaluate(() =>
    window.app.cloud.rejections.list.map(({ code, reason, writes }) => ({ code, reason, writes })),
  )
  expect(rejections).toMatchObject([
    {
      code: 'DATABASE_PERMISSION_DENIED',
      writes: [{ op: 'update', collection: 'items', id: 'one', data: { title: 'forbidden' } }],
    },
  ])
  expect(rejections[0]!.reason).toMatch(/items/)

  await page.reload()
  await page.evaluate(env => window.app.open({ env, collection: 'items' }), server.env)
  expect(await page.evaluate(() => window.app.cloud.rejections.list.length)).toBe(1)
  expect(await page.evaluate(() => window.app.all('items'))).toEqual(after)
})
