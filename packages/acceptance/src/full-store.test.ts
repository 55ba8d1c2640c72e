import { expect, test } from 'vitest'
import { openBrowser } from './scenario/browser.ts'
import { testFolder } from './scenario/folder.ts'
import { openTo, startServer } from './scenario/server.ts'
import { buildSite } from './scenario/site.ts'

/** Text that no medium makes smaller. */
const noise = (length: number) =>
  Array.from({ length: length / 10 }, () => Math.random().toString(36).slice(2, 12).padEnd(10)).join('')

test('[SURVIVE-4] [TAB-24] over the quota of a Chromium nothing new is written, removals are, and reach the server; the app starts', async () => {
  const site = testFolder('site')
  await buildSite(site)
  const server = await startServer({ rules: openTo('notes'), site })
  const notes = server.database().collection('notes')
  await notes.add({ data: Array.from({ length: 40 }, (_, n) => ({ _id: `n${n}`, text: noise(10_000) })) })
  const browser = await openBrowser()
  const page = await (await browser.newContext()).newPage()
  await page.goto(server.url)
  const { origin } = new URL(server.url)
  const devtools = await page.context().newCDPSession(page)
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

  await devtools.send('Storage.overrideQuotaForOrigin', { origin })
  expect(await add('there is room again')).toBe('done')
  await page.evaluate(() => window.app.cloud.goOnline())
  await page.evaluate(() => window.app.cloud.whenSynced())
  expect((await notes.count()).total).toBe(9 + added)
})
