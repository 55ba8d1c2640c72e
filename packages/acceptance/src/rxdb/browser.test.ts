import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { expect, onTestFinished, test } from 'vitest'
import { openBrowser, openWindow } from '../scenario/browser.ts'
import { testFolder } from '../scenario/folder.ts'
import { startServer } from '../scenario/server.ts'
import { servePage } from '../serve-page.ts'
import { signIn } from './rx-app.ts'

/* Apps on RxDB in real browsers, their documents in IndexedDB, on an origin that is not the server's. */

test('[RXCLIENT-6] pages on RxDB in Chromium work without a network, outlive a reload, and are in step with everybody afterwards', async () => {
  const acts = { read: true, create: true, update: true, delete: 'doc._openid == auth.openid' }
  const options = { rules: { database: { todos: acts } }, dataFolder: testFolder('data') }
  const server = await startServer(options)
  const site = await servePage(join(import.meta.dirname, '../../dist/rxdb/page.js'))
  onTestFinished(() => site.close())
  const browser = await openBrowser()
  async function openApp() {
    const page = await openWindow(browser, site.url)
    const { accessToken } = await signIn(server)
    const open = () =>
      page.evaluate(([url, token]) => window.rx.open(url, token), [server.url, accessToken] as const)
    await open()
    return { page, open }
  }
  const [ann, bob] = [await openApp(), await openApp()]
  const shows = (page: Page, what: Record<string, string>) =>
    expect.poll(() => page.evaluate(() => window.rx.shown()), { timeout: 20_000 }).toEqual(what)

  await ann.page.evaluate(() => window.rx.add({ _id: 'a', title: 'milk', n: 1 }))
  await shows(bob.page, { a: 'milk 1' })

  // what happens apart, on the device and on the server
  await ann.page.context().setOffline(true)
  await ann.page.evaluate(() => window.rx.change('a', { title: 'oat milk' }))
  await ann.page.evaluate(() => window.rx.add({ _id: 'b', title: 'tea' }))
  await bob.page.evaluate(() => window.rx.change('a', { n: 2 }))
  const todos = server.database().collection('todos')
  await todos.add({ data: { _id: 'c', title: 'from a function' } })
  await shows(bob.page, { a: 'milk 2', c: 'from a function' })
  await shows(ann.page, { a: 'oat milk 1', b: 'tea' })
  await ann.page.context().setOffline(false)
  const all = { a: 'oat milk 2', b: 'tea', c: 'from a function' }
  for (const { page } of [ann, bob]) await shows(page, all)

  // bob may not, and gets it back with a reason
  await bob.page.evaluate(() => window.rx.remove('b'))
  await expect
    .poll(() => bob.page.evaluate(() => window.rx.told().refused), { timeout: 20_000 })
    .toEqual(['b DATABASE_PERMISSION_DENIED'])
  await shows(bob.page, all)

  // the server is gone, and the page loaded again: everything is there, and what was not sent goes when there is one
  await todos.doc('c').remove()
  const left = { a: 'oat milk 2', b: 'tea' }
  for (const { page } of [ann, bob]) await shows(page, left)
  await server.stop()
  await ann.page.evaluate(() => window.rx.add({ _id: 'd', title: 'jam' }))
  await ann.page.reload()
  await ann.open()
  await shows(ann.page, { ...left, d: 'jam' })
  const again = await startServer(options) // at the same address
  expect(again.url).toBe(server.url)
  for (const { page } of [ann, bob]) await shows(page, { ...left, d: 'jam' })
  const { data } = await again.database().collection('todos').get()
  expect(data.map(({ _id }) => _id)).toEqual(['a', 'b', 'd'])
})
