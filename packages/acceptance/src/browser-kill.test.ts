import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { startBrowserProcess } from './scenario/browser.ts'
import { testFolder } from './scenario/folder.ts'
import { openTo, startServer } from './scenario/server.ts'
import { buildSite } from './scenario/site.ts'

test('a browser killed right after an awaited write has the write when it opens again, still to be sent', async () => {
  const site = testFolder('site')
  await buildSite(site)
  const server = await startServer({ rules: openTo('notes'), site })
  const notes = server.database().collection('notes')
  const profile = testFolder('profile')

  const first = await startBrowserProcess(profile)
  const before = await openPage(first.browser.contexts()[0]!.newPage(), server)
  await before.evaluate(() => window.app.cloud.whenSynced())
  await before.evaluate(() => window.app.cloud.goOffline())
  await before.evaluate(() =>
    window.app.cloud
      .database()
      .collection('notes')
      .add({ data: { _id: 'kept', text: 'written, then dark' } }),
  )
  await first.kill()
  expect((await notes.get()).data).toEqual([])

  const second = await startBrowserProcess(profile)
  const after = await openPage(second.browser.contexts()[0]!.newPage(), server, { offline: true })
  expect(await after.evaluate(() => window.app.all('notes'))).toMatchObject([
    { _id: 'kept', text: 'written, then dark' },
  ])
  expect(await after.evaluate(() => window.app.cloud.isPending('notes', 'kept'))).toBe(true)
  expect((await notes.get()).data).toEqual([])

  await after.evaluate(() => window.app.cloud.goOnline())
  await after.evaluate(() => window.app.cloud.whenSynced())
  expect(await after.evaluate(() => window.app.cloud.status().pending)).toBe(0)
  expect((await notes.get()).data).toMatchObject([{ _id: 'kept', text: 'written, then dark' }])
})

test('a browser killed while it is sending sends again what was not answered, and nothing twice', async () => {
  const site = testFolder('site')
  await buildSite(site)
  const server = await startServer({ rules: openTo('notes'), site })
  const notes = server.database().collection('notes')
  await notes.add({ data: { _id: 'one', count: 0, list: [] } })
  const profile = testFolder('profile')
  const edits = Array.from({ length: 60 }, (_, n) => ({
    kind: 'push' as const,
    id: 'one',
    value: `push ${n}`,
  }))

  const first = await startBrowserProcess(profile)
  const before = await openPage(first.browser.contexts()[0]!.newPage(), server)
  await before.evaluate(() => window.app.cloud.whenSynced())
  await before.evaluate(list => window.app.edit('notes', list), edits)
  await first.kill()

  const second = await startBrowserProcess(profile)
  const after = await openPage(second.browser.contexts()[0]!.newPage(), server)
  await after.evaluate(() => window.app.cloud.whenSynced())
  const { data } = await notes.doc('one').get()
  expect(data).toMatchObject({ list: edits.map(({ value }) => value) })
  expect(await after.evaluate(() => window.app.all('notes'))).toEqual([data])
})

async function openPage(
  opening: Promise<Page>,
  server: { url: string; env: string },
  options: { offline?: boolean } = {},
): Promise<Page> {
  const page = await opening
  await page.goto(server.url)
  await page.evaluate(opening => window.app.open(opening), {
    env: server.env,
    collection: 'notes',
    ...options,
  })
  return page
}
