import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Cloud } from '@nearcloud/client'
import type { Clock } from '@nearcloud/protocol'
import { expect, test } from 'vitest'
import { openBrowser, openWindow } from './scenario/browser.ts'
import { testFolder, testProject } from './scenario/folder.ts'
import { startServer } from './scenario/server.ts'
import { buildSite } from './scenario/site.ts'
import { openTapped } from './scenario/tapped-app.ts'
import { until } from './scenario/until.ts'

/** Everybody has what they made. A function looks at a password, and gives a ticket. */
function projectWithLogin(): string {
  const project = testProject({ functions: { login: { invoke: true } } })
  const folder = join(project, 'cloudfunctions/login')
  mkdirSync(folder, { recursive: true })
  writeFileSync(
    join(folder, 'index.js'),
    `const cloud = require('wx-server-sdk')
cloud.init()
exports.main = async ({ uid, password, expire }) => {
  if (password !== 'open sesame') throw new Error('wrong')
  return cloud.auth().createTicket(uid, expire === undefined ? {} : { expire })
}
`,
  )
  return project
}

const login = (cloud: Cloud, uid: string) => async () => {
  const { result } = await cloud.callFunction({ name: 'login', data: { uid, password: 'open sesame' } })
  return result as string
}
const add = (cloud: Cloud, _id: string, data: object = {}) =>
  cloud
    .database()
    .collection('notes')
    .add({ data: { _id, ...data } })
const idsOf = async (cloud: Cloud) => {
  const { data } = await cloud.database().collection('notes').orderBy('_id', 'asc').get()
  return data.map(({ _id }) => _id)
}

/** A clock that a test can set forward; its timers are the machine's. */
function shiftedClock(): Clock & { shiftMs: number } {
  const clock = {
    shiftMs: 0,
    now: () => Date.now() + clock.shiftMs,
    after(delayMs: number, task: () => void) {
      const timer = setTimeout(task, Math.min(delayMs, 2 ** 31 - 1)).unref()
      return () => clearTimeout(timer)
    },
  }
  return clock
}

test('[FN-18] [IDENTITY-11] two users of one device: what one wrote without a network, the other neither sees nor sends', async () => {
  const server = await startServer({ rules: null, project: projectWithLogin() })
  const { cloud, sent, folder } = await openTapped(server)
  const auth = cloud.auth()
  expect(auth.currentUser?.isAnonymous).toBe(true)
  await expect(
    cloud.callFunction({ name: 'login', data: { uid: 'anna', password: 'wrong' } }),
  ).rejects.toMatchObject({ code: 'FUNCTIONS_EXECUTE_FAIL' })

  await auth.signInWithCustomTicket(login(cloud, 'anna'))
  await cloud.whenSynced()
  const anna = cloud.status().openid!
  expect(anna).toBe(await server.users.find('anna'))
  await add(cloud, 'a1')
  await cloud.whenSynced()
  cloud.goOffline()
  await add(cloud, 'a2', { words: 'for nobody else' })
  await cloud.uploadFile({ cloudPath: 'a.txt', fileContent: Uint8Array.of(1, 2, 3) })
  expect(cloud.status()).toMatchObject({ pending: 1, uploads: 1 })

  await auth.signInAnonymously()
  cloud.goOnline()
  await cloud.whenSynced()
  const from = sent.length
  await auth.signInWithCustomTicket(login(cloud, 'bert'))
  await cloud.whenSynced()
  expect(await idsOf(cloud)).toEqual([])
  expect(cloud.status()).toMatchObject({ pending: 0, uploads: 0, rejected: 0 })
  await add(cloud, 'b1')
  await cloud.whenSynced()
  const berts = sent.slice(from)
  expect(berts.some(frame => frame.includes('"push"'))).toBe(true)
  for (const frame of berts) expect(frame).not.toMatch(new RegExp(`"a1"|"a2"|a\\.txt|nobody else|${anna}`))
  const notes = server.database().collection('notes')
  expect((await notes.where({ _id: 'a2' }).get()).data).toEqual([])

  // the next process is bert's too, and finds anna there
  await cloud.close()
  const { cloud: next } = await openTapped(server, { folder })
  expect(next.auth().currentUser?.uid).toBe('bert')
  expect(await idsOf(next)).toEqual(['b1'])
  await next.auth().switchTo('anna')
  expect(await idsOf(next)).toEqual(['a1', 'a2'])
  await next.whenSynced()
  expect((await notes.doc('a2').get()).data).toMatchObject({ _openid: anna, words: 'for nobody else' })
  expect((await notes.doc('b1').get()).data).toMatchObject({ _openid: await server.users.find('bert') })
  expect(next.status()).toMatchObject({ pending: 0, uploads: 0, openid: anna })
})

test('[SIGNIN-7] [IDENTITY-15] what was written anonymously, files too, is the named user’s on every device', async () => {
  const server = await startServer({ rules: null, project: projectWithLogin() })
  const first = await openTapped(server)
  await first.cloud.auth().signInWithCustomTicket(login(first.cloud, 'anna'))
  await add(first.cloud, 'a1')
  const second = await openTapped(server)
  const { cloud } = second
  for (let n = 0; n < 300; n++) void add(cloud, `n${n}`)
  const { fileID } = await cloud.uploadFile({ cloudPath: 'n.txt', fileContent: Uint8Array.of(1, 2, 3) })
  const state = await cloud.auth().signInWithCustomTicket(login(cloud, 'anna'), { anonymousData: 'merge' })
  expect(state.anonymousData).toEqual({ choice: 'merge', documents: 301, left: 0 })
  for (const { cloud } of [first, second]) {
    await until('all of it is on both devices', async () => {
      const { total } = await cloud.database().collection('notes').count()
      return total === 301
    })
    expect((await cloud.downloadFile({ fileID })).statusCode).toBe(200)
    expect(cloud.rejections.list).toEqual([])
  }
  expect(await cloud.auth().users()).toHaveLength(1)
})

test('[IDENTITY-19] a session that ends while the device is away: nothing is lost, doubled or sent in another name', async () => {
  const clock = shiftedClock()
  const server = await startServer({ rules: null, project: projectWithLogin(), clock })
  const { cloud, sent } = await openTapped(server)
  await cloud.auth().signInWithCustomTicket(await server.users.createTicket('anna', { expire: 3_600_000 }))
  await add(cloud, 'a1', { n: 0 })
  await cloud.whenSynced()
  const anna = cloud.status().openid!
  cloud.goOffline()
  const { command } = cloud.database()
  const bump = () =>
    cloud
      .database()
      .collection('notes')
      .doc('a1')
      .update({ data: { n: command.inc(1) } })
  await bump()
  clock.shiftMs = 24 * 3_600_000
  const ended = new Promise(resolve => cloud.on('signInNeeded', ({ reason }) => resolve(reason)))
  cloud.goOnline()
  expect(await ended).toBe('expired')
  await bump()
  expect(cloud.auth().hasLoginState()).toMatchObject({
    user: { uid: 'anna', openid: anna },
    signInNeeded: true,
  })
  const from = sent.length
  await cloud.auth().signInWithCustomTicket(await server.users.createTicket('anna'))
  await cloud.whenSynced()
  expect((await server.database().collection('notes').doc('a1').get()).data).toEqual({
    _id: 'a1',
    _openid: anna,
    n: 2,
  })
  expect(sent.slice(from).filter(frame => frame.includes('"hello"'))).toHaveLength(1)
  expect(sent.filter(frame => /"hello"/.test(frame) && !frame.includes('"token"'))).toHaveLength(1)
})

test('[SIGNIN-15] a user who is deleted is told, keeps what is here, and sends nothing more', async () => {
  const server = await startServer({ rules: null, project: projectWithLogin() })
  const { cloud } = await openTapped(server)
  await cloud.auth().signInWithCustomTicket(login(cloud, 'anna'))
  await add(cloud, 'a1')
  await cloud.whenSynced()
  const told = new Promise(resolve => cloud.on('signInNeeded', ({ reason }) => resolve(reason)))
  expect(await server.users.delete({ uid: 'anna' })).toBe(true)
  expect(await told).toBe('deleted')
  await add(cloud, 'a2')
  expect(await idsOf(cloud)).toEqual(['a1', 'a2'])
  expect(cloud.status()).toMatchObject({ state: 'offline', pending: 1 })
  // a new user of that name begins with nothing
  await cloud.auth().signInWithCustomTicket(await server.users.createTicket('anna'))
  await cloud.whenSynced()
  expect(await idsOf(cloud)).toEqual([])
  expect((await server.database().collection('notes').count()).total).toBe(1)
})

test('[SIGNIN-2] fifty devices with one ticket: one signs in, the others stay who they were', async () => {
  const server = await startServer({ rules: null, project: projectWithLogin() })
  const ticket = await server.users.createTicket('anna')
  const devices = await Promise.all(Array.from({ length: 50 }, () => openTapped(server)))
  const results = await Promise.allSettled(
    devices.map(({ cloud }) => cloud.auth().signInWithCustomTicket(ticket)),
  )
  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  const named = devices.filter(({ cloud }) => cloud.auth().currentUser?.uid === 'anna')
  expect(named).toHaveLength(1)
})

test('[IDENTITY-15] where there are no WebSockets a ticket is shown over requests', async () => {
  const server = await startServer({ rules: null, project: projectWithLogin() })
  const { cloud, sent } = await openTapped(server, { init: { transport: 'polling' } })
  await add(cloud, 'n1')
  await expect(
    cloud.auth().signInWithCustomTicket('forged', { anonymousData: 'merge' }),
  ).rejects.toMatchObject({
    code: 'TOKEN_REFUSED',
    details: { reason: 'invalid' },
  })
  const state = await cloud.auth().signInWithCustomTicket(login(cloud, 'anna'), { anonymousData: 'merge' })
  expect(state.anonymousData).toEqual({ choice: 'merge', documents: 1, left: 0 })
  await cloud.whenSynced()
  expect(await idsOf(cloud)).toEqual(['n1'])
  expect(sent).toEqual([])
})

test('[IDENTITY-11] in a browser: what one wrote without a network, the other neither sees nor sends', async () => {
  const site = testFolder('site')
  await buildSite(site)
  const server = await startServer({ rules: null, project: projectWithLogin(), site })
  const browser = await openBrowser()
  const page = await openWindow(browser, server.url)
  const sent: string[] = []
  page.on('websocket', socket => socket.on('framesent', ({ payload }) => sent.push(String(payload))))
  const open = () => page.evaluate(env => window.app.open({ env, collection: 'notes' }), server.env)
  const signIn = async (uid: string) => {
    const ticket = await server.users.createTicket(uid)
    await page.evaluate(async given => {
      await window.app.cloud.auth().signInWithCustomTicket(given)
      await window.app.cloud.whenSynced()
    }, ticket)
  }
  const add = (_id: string) =>
    page.evaluate(
      id =>
        window.app.cloud
          .database()
          .collection('notes')
          .add({ data: { _id: id, words: `words of ${id}` } })
          .then(() => undefined),
      _id,
    )
  const ids = async () =>
    ((await page.evaluate(() => window.app.all('notes'))) as { _id: string }[]).map(d => d._id)

  await open()
  await signIn('anna')
  await add('a1')
  await page.evaluate(() => window.app.cloud.whenSynced())
  await page.context().setOffline(true)
  await page.waitForFunction(() => window.app.cloud.status().state === 'offline')
  await add('a2')
  await page.evaluate(() =>
    window.app.cloud
      .auth()
      .signInAnonymously()
      .then(() => undefined),
  )
  expect(await ids()).toEqual([])
  await page.context().setOffline(false)
  await page.evaluate(() => window.app.cloud.whenSynced())
  const from = sent.length
  await signIn('bert')
  expect(await ids()).toEqual([])
  await add('b1')
  await page.evaluate(() => window.app.cloud.whenSynced())
  const berts = sent.slice(from)
  expect(berts.some(frame => frame.includes('words of b1'))).toBe(true)
  for (const frame of berts) expect(frame).not.toMatch(/"a1"|"a2"|words of a/)

  // the page is loaded anew: still bert, and anna is there
  await page.reload()
  await open()
  expect(await ids()).toEqual(['b1'])
  await page.evaluate(() =>
    window.app.cloud
      .auth()
      .switchTo('anna')
      .then(() => undefined),
  )
  expect(await ids()).toEqual(['a1', 'a2'])
  await page.evaluate(() => window.app.cloud.whenSynced())
  const { data } = await server.database().collection('notes').orderBy('_id', 'asc').get()
  const owners = data.map(({ _id, _openid }) => [_id, _openid])
  const [anna, bert] = [await server.users.find('anna'), await server.users.find('bert')]
  expect(owners).toEqual([
    ['a1', anna],
    ['a2', anna],
    ['b1', bert],
  ])

  // who leaves for good leaves nothing
  const databases = () =>
    page.evaluate(async () =>
      (await indexedDB.databases()).map(({ name }) => name).filter(name => /\.u\w{12}/.test(name!)),
    )
  expect(await databases()).toHaveLength(4)
  await page.evaluate(() =>
    window.app.cloud
      .auth()
      .signOut({ wipe: true })
      .then(() => undefined),
  )
  expect(await databases()).toHaveLength(2)
})
