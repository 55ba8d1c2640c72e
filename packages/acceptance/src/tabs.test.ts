import type { BrowserContext, Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { openBrowser } from './scenario/browser.ts'
import { testFolder } from './scenario/folder.ts'
import { openTo, startServer } from './scenario/server.ts'
import { buildSite } from './scenario/site.ts'
import { until } from './scenario/until.ts'

/** Real tabs: pages of one Chromium with one storage. */

const lock = 'nearcloud.tabs:default.main'

async function setUp(options?: { isSplit: boolean }) {
  const site = testFolder('site')
  await buildSite(site, options)
  const server = await startServer({ rules: openTo('notes'), site })
  const browser = await openBrowser()
  const context = await browser.newContext()
  const open = async () => {
    const page = await context.newPage()
    await page.goto(server.url)
    await page.evaluate(env => window.app.open({ env, collection: 'notes' }), server.env)
    return page
  }
  return { context, open, notes: server.database().collection('notes') }
}

const allOf = (page: Page) => page.evaluate(() => window.app.all('notes'))
const push = (page: Page, value: string) =>
  page.evaluate(value => window.app.edit('notes', [{ kind: 'push', id: 'one', value }]), value)

/** The page that leads, by the name its lock has. */
async function leaderOf(context: BrowserContext): Promise<Page> {
  for (const page of context.pages()) {
    const isLeading = await page.evaluate(async name => {
      const { held = [] } = await navigator.locks.query()
      const holder = held.find(each => each.name === name)?.clientId
      // a client is known by a lock of its own
      const mine = `probe-${Math.random()}`
      return navigator.locks.request(mine, async () => {
        const { held = [] } = await navigator.locks.query()
        return holder !== undefined && held.find(each => each.name === mine)?.clientId === holder
      })
    }, lock)
    if (isLeading) return page
  }
  throw new Error('no page leads')
}

test('[TAB-1] pages of one browser share one store: one has the connection, and each sees what the others write', async () => {
  const { context, open, notes } = await setUp()
  await notes.add({ data: { _id: 'one', list: [] } })
  const pages = [await open(), await open(), await open()]
  for (const page of pages) await page.evaluate(() => window.app.cloud.whenSynced())
  await Promise.all(pages.map((page, n) => push(page, `by ${n}`)))
  for (const page of pages)
    await expect
      .poll(async () => ((await allOf(page)) as { list: string[] }[])[0]!.list.slice().sort())
      .toEqual(['by 0', 'by 1', 'by 2'])
  await pages[0]!.evaluate(() => window.app.cloud.whenSynced())
  expect((await notes.doc('one').get()).data).toMatchObject({
    list: expect.arrayContaining(['by 0', 'by 1', 'by 2']),
  })
  const openids = await Promise.all(pages.map(page => page.evaluate(() => window.app.cloud.status().openid)))
  expect(new Set(openids).size).toBe(1)
  expect(context.pages()).toHaveLength(3)
})

/** The process of the page dies. */
async function crash(context: BrowserContext, page: Page): Promise<void> {
  const devtools = await context.newCDPSession(page)
  const crashed = page.waitForEvent('crash')
  devtools.send('Page.crash').catch(() => undefined) // nobody is left to answer
  await crashed
  await page.close()
}

test('[TAB-2] the process of the page that leads dies in the middle of writes: the next one leads and nothing is lost or doubled', async () => {
  const { context, open, notes } = await setUp()
  await notes.add({ data: { _id: 'one', list: [] } })
  const pages = [await open(), await open(), await open()]
  for (const page of pages) await page.evaluate(() => window.app.cloud.whenSynced())
  const leader = await leaderOf(context)
  const others = pages.filter(page => page !== leader)
  const writing = others.map((page, n) =>
    page.evaluate(
      list => window.app.edit('notes', list),
      Array.from({ length: 50 }, (_, at) => ({ kind: 'push' as const, id: 'one', value: `${n}-${at}` })),
    ),
  )
  await crash(context, leader)
  await Promise.all(writing)
  const next = await leaderOf(context)
  expect(others).toContain(next)
  for (const page of others) await page.evaluate(() => window.app.cloud.whenSynced())
  const { data } = await notes.doc('one').get()
  const expected = [0, 1].flatMap(n => Array.from({ length: 50 }, (_, at) => `${n}-${at}`)).sort()
  expect([...(data as unknown as { list: string[] }).list].sort()).toEqual(expected)
  for (const page of others) await expect.poll(() => allOf(page)).toEqual([data])
})

test('[TAB-9] the page that leads is frozen: another writes; thawed, it is a guest', async () => {
  const { context, open, notes } = await setUp()
  await notes.add({ data: { _id: 'one', list: [] } })
  const pages = [await open(), await open()]
  for (const page of pages) await page.evaluate(() => window.app.cloud.whenSynced())
  const leader = await leaderOf(context)
  const other = pages.find(page => page !== leader)!
  const devtools = await context.newCDPSession(leader)
  // as a frozen page it keeps its locks, and runs nothing
  await devtools.send('Debugger.enable')
  const paused = new Promise(resolve => devtools.once('Debugger.paused', resolve))
  await devtools.send('Debugger.pause')
  await paused
  await push(other, 'while frozen')
  await devtools.send('Debugger.resume')
  await devtools.send('Debugger.disable')
  await push(leader, 'thawed')
  for (const page of pages)
    await expect
      .poll(async () => ((await allOf(page)) as { list: string[] }[])[0]!.list)
      .toEqual(['while frozen', 'thawed'])
  for (const page of pages) await page.evaluate(() => window.app.cloud.whenSynced())
  expect((await notes.doc('one').get()).data).toMatchObject({ list: ['while frozen', 'thawed'] })
  expect(await leaderOf(context)).toBe(other)
})

test('[TAB-18] twenty pages open, write and die, the leader too: what was acknowledged is there once, and all are equal', async () => {
  const { context, open, notes } = await setUp()
  await notes.add({ data: { _id: 'one', list: [], count: 0 } })
  const acknowledged: string[] = []
  const writing: Promise<unknown>[] = []
  const write = (page: Page, name: string) => {
    writing.push(
      page
        .evaluate(
          value =>
            window.app.edit('notes', [
              { kind: 'push', id: 'one', value },
              { kind: 'inc', id: 'one', by: 1 },
            ]),
          name,
        )
        .then(
          () => acknowledged.push(name),
          () => undefined, // its page died
        ),
    )
  }
  const alive: Page[] = []
  for (let n = 0; n < 20; n++) {
    const page = await open()
    alive.push(page)
    for (const [at, each] of alive.entries()) write(each, `${n}-${at}`)
    if (n % 3 === 2) {
      const dying = n % 2 === 0 ? await leaderOf(context) : alive[0]!
      alive.splice(alive.indexOf(dying), 1)
      if (n % 2 === 0) await crash(context, dying)
      else await dying.close()
    }
  }
  await Promise.all(writing)
  for (const page of alive) await page.evaluate(() => window.app.cloud.whenSynced())
  const { data } = await notes.doc('one').get()
  const { list, count } = data as unknown as { list: string[]; count: number }
  expect(new Set(list).size).toBe(list.length)
  expect(acknowledged.filter(name => !list.includes(name))).toEqual([])
  expect(acknowledged.length).toBeGreaterThan(100)
  expect(count).toBeGreaterThanOrEqual(acknowledged.length)
  expect(count).toBeLessThanOrEqual(list.length)
  for (const page of alive)
    await until(
      'a page has all of it',
      async () => JSON.stringify(await allOf(page)) === JSON.stringify([data]),
    )
})

test('[TAB-19] a text is edited in all pages at once, in the one that leads and in its guests, and seen in each', async () => {
  const { context, open, notes } = await setUp()
  const pages = [await open(), await open(), await open()]
  for (const page of pages) await page.evaluate(() => window.app.cloud.whenSynced())
  const leader = await leaderOf(context)
  const guests = pages.filter(page => page !== leader)
  await guests[0]!.evaluate(() =>
    window.app.cloud
      .database()
      .collection('notes')
      .add({ data: { _id: 'n', body: window.app.cloud.database().Text('hello') } }),
  )
  for (const page of [guests[0]!, leader, guests[1]!]) {
    await page.evaluate(() => window.app.cloud.whenSynced())
    await page.evaluate(() => window.app.openText('notes', 'n', 'body'))
  }
  await Promise.all([
    leader.evaluate(() => window.app.type(0, 'L')),
    guests[0]!.evaluate(() => window.app.type(5, 'G')),
  ])
  await guests[1]!.evaluate(() => window.app.type(0, '2'))
  const shown = (page: Page) => page.evaluate(() => window.app.shown())
  const field = async (page: Page) => ((await allOf(page)) as { body: string }[])[0]?.body
  await expect.poll(() => shown(leader)).toHaveLength(8)
  const all = await shown(leader)
  expect([...all].sort().join('')).toBe('2GLehllo')
  for (const page of pages) {
    await expect.poll(() => shown(page)).toBe(all)
    await expect.poll(() => field(page)).toBe(all)
  }
  for (const page of pages) await page.evaluate(() => window.app.cloud.whenSynced())
  expect((await notes.doc('n').get()).data).toMatchObject({ body: all })
  // whoever leads next has what a guest typed last, and the text can be opened again
  const typed = guests[0]!.evaluate(() => window.app.type(0, 'X'))
  await leader.close()
  await typed
  for (const page of guests) {
    await page.evaluate(() => window.app.cloud.whenSynced())
    await page.evaluate(() => window.app.openText('notes', 'n', 'body'))
    await expect.poll(() => shown(page)).toBe(`X${all}`)
  }
  // an assignment is an edit of what is open
  await guests[1]!.evaluate(() =>
    window.app.cloud
      .database()
      .collection('notes')
      .doc('n')
      .update({ data: { body: 'new words' } }),
  )
  for (const page of guests) await expect.poll(() => shown(page)).toBe('new words')
})

test('[APART-4] what works without a network is fetched as a store is open, in each page: one computes, keeps a file, and leads when the other is gone', async () => {
  const { context, open, notes } = await setUp({ isSplit: true })
  await notes.add({ data: [1, 2, 3].map(n => ({ n })) })
  const pages = [await open(), await open()]
  for (const page of pages) {
    await page.evaluate(() => window.app.cloud.whenSynced())
    await page.waitForLoadState('networkidle')
  }
  await context.setOffline(true)
  await context.route('**/*.js', script => script.abort()) // what the browser has kept of them does not count
  const leader = await leaderOf(context)
  const guest = pages.find(page => page !== leader)!
  const sum = () =>
    guest.evaluate(async () => {
      const db = window.app.cloud.database()
      const $ = db.command.aggregate
      const { list } = await db
        .collection('notes')
        .aggregate()
        .group({ _id: null, sum: $.sum('$n') })
        .end()
      return list
    })
  const keep = (name: string) =>
    guest.evaluate(
      name => window.app.cloud.uploadFile({ cloudPath: name, filePath: new Blob(['content']) }),
      name,
    )
  expect(await sum()).toEqual([{ _id: null, sum: 6 }])
  expect(await keep('a.txt')).toMatchObject({ pending: true })
  await leader.close()
  await guest.evaluate(() =>
    window.app.cloud
      .database()
      .collection('notes')
      .add({ data: { n: 4 } }),
  )
  expect(await sum()).toEqual([{ _id: null, sum: 10 }])
  expect(await keep('b.txt')).toMatchObject({ pending: true })
  expect(await guest.evaluate(() => window.app.cloud.status())).toMatchObject({ pending: 1, uploads: 2 })
})
