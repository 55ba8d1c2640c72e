import { expect, test } from 'vitest'
import { startBrowserProcess } from './scenario/browser.ts'
import { testFolder } from './scenario/folder.ts'
import { openTo, startServer } from './scenario/server.ts'
import { buildSite } from './scenario/site.ts'
import { until } from './scenario/until.ts'

/** Text that no medium makes smaller. */
const noise = (length: number) =>
  Array.from({ length: length / 10 }, () => Math.random().toString(36).slice(2, 12).padEnd(10)).join('')

test('[SURVIVE-4] [TAB-24] over the quota of a Chromium nothing new is written, removals are, and reach the server; the app starts', async () => {
  const site = testFolder('site')
  await buildSite(site)
  const server = await startServer({ rules: openTo('notes'), site })
  const notes = server.database().collection('notes')
  await notes.add({ data: Array.from({ length: 40 }, (_, n) => ({ _id: `n${n}`, text: noise(10_000) })) })
  const profile = testFolder('profile')
  const { browser, kill } = await startBrowserProcess(profile)
  const context = browser.contexts()[0]!
  const page = await context.newPage()
  await page.goto(server.url)
  const { origin } = new URL(server.url)
  const devtools = await context.newCDPSession(page)
  // before the database is open: what is left of a quota is not asked for each time
  await devtools.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 3_000_000 })
  const open = () => page.evaluate(env => window.app.open({ env, collection: 'notes' }), server.env)
  await open()
  await page.evaluate(() => window.app.cloud.whenSynced())
  await page.evaluate(() => window.app.cloud.goOffline())

  const add = (text: string) =>
    page.evaluate(
      data =>
        window.app.cloud
          .database()
          .collection('notes')
          .add({ data })
          .then(
            () => 'done',
            error => error.code,
          ),
      { text },
    )
  const remove = (id: string) =>
    page.evaluate(
      id =>
        window.app.cloud
          .database()
          .collection('notes')
          .doc(id)
          .remove()
          .then(
            () => 'done',
            error => error.code,
          ),
      id,
    )
  let added = 0
  for (const length of [20_000, 1_000]) {
    let said = await add(noise(length))
    for (; said === 'done'; said = await add(noise(length))) expect(++added).toBeLessThan(1_000)
    expect(said).toBe('STORE_FULL')
  }
  for (let n = 0; n < 20; n++) expect(await remove(`n${n}`)).toBe('done')

  // started again, while there is still no room, the app has everything
  const reopen = async () => {
    await page.reload()
    await page.evaluate(env => window.app.open({ env, collection: 'notes', offline: true }), server.env)
    return (await page.evaluate(() => window.app.all('notes'))).length
  }
  expect(await reopen()).toBe(20 + added)
  // and removals are taken again, also with what is refused
  for (let n = 20; n < 24; n++) expect(await remove(`n${n}`)).toBe('done')
  const together = () =>
    page.evaluate(text => {
      const notes = window.app.cloud.database().collection('notes')
      const writes = [notes.add({ data: { text } }), notes.doc('n24').remove(), notes.doc('n25').remove()]
      return Promise.all(
        writes.map(write =>
          write.then(
            () => 'done',
            error => error.code,
          ),
        ),
      )
    }, noise(400_000))
  expect(await together()).toEqual(['STORE_FULL', 'done', 'done'])

  // also where nothing that is given back can make room, and as often as the app begins
  await devtools.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 1_000_000 })
  for (let n = 26; n < 32; n++) {
    expect(await remove(`n${n}`)).toBe('done')
    if (n % 2 === 0) expect(await reopen()).toBe(39 - n + added)
  }

  // in another tab too, and nothing of it is lost with the browser
  const guest = await context.newPage()
  await guest.goto(server.url)
  await guest.evaluate(env => window.app.open({ env, collection: 'notes', offline: true }), server.env)
  expect(await guest.evaluate(() => window.app.all('notes'))).toHaveLength(8 + added)
  const ofGuest = (id: string) => window.app.cloud.database().collection('notes').doc(id).remove()
  expect(await guest.evaluate(ofGuest, 'n32')).toMatchObject({ stats: { removed: 1 } })
  await kill()

  const { browser: second } = await startBrowserProcess(profile)
  const again = await second.contexts()[0]!.newPage()
  await again.goto(server.url)
  await again.evaluate(env => window.app.open({ env, collection: 'notes', offline: true }), server.env)
  expect(await again.evaluate(() => window.app.all('notes'))).toHaveLength(7 + added)
  await again.evaluate(() =>
    window.app.cloud
      .database()
      .collection('notes')
      .add({ data: { there: 'is room' } }),
  )
  await again.evaluate(() => window.app.cloud.goOnline())
  await again.evaluate(() => window.app.cloud.whenSynced())
  expect((await notes.count()).total).toBe(8 + added)
})

test('[CACHE-5] [LOG-12] over the quota of a Chromium what nobody follows is let go, and then there is room', async () => {
  const site = testFolder('site')
  await buildSite(site)
  const server = await startServer({ rules: openTo('notes', 'old'), site })
  const old = server.database().collection('old')
  for (let part = 0; part < 3; part++)
    await old.add({
      data: Array.from({ length: 100 }, (_, n) => ({ _id: `o${part}-${n}`, text: noise(10_000) })),
    })
  const { browser } = await startBrowserProcess(testFolder('profile'))
  const context = browser.contexts()[0]!
  const page = await context.newPage()
  await page.goto(server.url)
  const { origin } = new URL(server.url)
  const devtools = await context.newCDPSession(page)
  await devtools.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 6_000_000 })
  await page.evaluate(env => window.app.open({ env, collection: 'notes' }), server.env)
  await page.evaluate(async () => {
    const held = window.app.cloud.database().collection('old').subscribe()
    await held.ready
    held.close()
  })
  const evicted = page.evaluate(
    () => new Promise<unknown>(resolve => window.app.cloud.on('evicted', resolve)),
  )
  const add = () =>
    page.evaluate(
      text =>
        window.app.cloud
          .database()
          .collection('notes')
          .add({ data: { text } })
          .then(
            () => 'done',
            error => error.code,
          ),
      noise(100_000),
    )
  let added = 0
  let said = await add()
  for (; said === 'done'; said = await add()) expect(++added).toBeLessThan(100)
  expect(said).toBe('STORE_FULL')
  expect(await evicted).toEqual({ collection: 'old', count: 300 })
  await until('there is room', async () => (await add()) === 'done')
  await page.evaluate(() => window.app.cloud.whenSynced())
  expect((await server.database().collection('notes').count()).total).toBe(added + 1)
  expect(await page.evaluate(() => window.app.all('notes'))).toHaveLength(added + 1)
  expect((await old.count()).total).toBe(300)
})
