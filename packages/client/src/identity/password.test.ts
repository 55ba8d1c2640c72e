import { CloudError } from '@nearcloud/protocol'
import { TestRig } from '@nearcloud/sync/testing'
import { expect, test } from 'vitest'
import { createCloud, type HttpRequest, type HttpResponse } from '../index.ts'
import { MemoryPlatform } from '../testing/index.ts'

const anna = { username: 'anna', password: 'correct horse' }

/** A device, a server that takes every ticket it gave, and what its doors for passwords say. */
async function setUp() {
  const rig = new TestRig()
  rig.server.mayRead = (openid, _collection, document) => document._openid === openid
  const asked: { readonly door: string; readonly body: unknown }[] = []
  const doors = {
    /** Undefined: a ticket. */
    answer: undefined as { status: number; json: unknown } | Error | undefined,
  }
  let tickets = 0
  const http = async ({ url, body }: HttpRequest): Promise<HttpResponse> => {
    const fields = JSON.parse(body as string) as Record<string, string>
    asked.push({ door: url, body: fields })
    if (doors.answer instanceof Error) throw doors.answer
    if (doors.answer) {
      const { status, json } = doors.answer
      const text = typeof json === 'string' ? json : JSON.stringify(json)
      return { status, headers: {}, body: new TextEncoder().encode(text) }
    }
    const ticket = `ticket-${++tickets}`
    rig.server.tickets.set(ticket, `pw:${fields.username!.toLowerCase()}`)
    return { status: 200, headers: {}, body: new TextEncoder().encode(JSON.stringify({ ticket })) }
  }
  const platform = new MemoryPlatform(rig, http)
  const cloud = createCloud(platform)
  cloud.init({ endpoint: 'http://cloud.test', subscribe: { todos: true } })
  await cloud.ready()
  await rig.pass()
  const needed: string[] = []
  cloud.on('signInNeeded', ({ reason }) => needed.push(reason))
  return { rig, cloud, auth: cloud.auth(), asked, doors, needed, platform }
}

test('[IDENTITY-27] a name and a password sign in, by each of the original’s names', async () => {
  const { auth, asked, rig } = await setUp()
  const state = await auth.signIn({ ...anna, username: 'Anna' })
  expect(asked).toEqual([
    { door: 'http://cloud.test/auth/password/sign-in', body: { ...anna, username: 'Anna' } },
  ])
  expect(state).toMatchObject({
    user: { uid: 'pw:anna', username: 'anna', isAnonymous: false },
    loginType: 'USERNAME',
    isUsernameAuth: true,
    isCustomAuth: false,
    anonymousData: { choice: 'keep' },
  })
  await rig.pass()
  await auth.signInAnonymously()
  expect(auth.currentUser).not.toHaveProperty('username')
  await auth.signInWithPassword({ username: 'bert', password: 'of bert', anonymousData: 'discard' })
  await rig.pass()
  await auth.signInWithUsernameAndPassword('carl', 'of carl')
  expect((await auth.users()).map(({ username }) => username)).toEqual(['anna', 'bert', 'carl'])
  // who is here is switched to by that name, without a network
  await auth.switchTo('anna')
  expect(auth.currentUser).toMatchObject({ uid: 'pw:anna' })
})

test.each([
  [
    { status: 401, json: { code: 'TOKEN_REFUSED', errMsg: 'wrong', details: { reason: 'password' } } },
    'TOKEN_REFUSED',
    { reason: 'password' },
  ],
  [
    {
      status: 429,
      json: { code: 'EXCEED_REQUEST_LIMIT', errMsg: 'later', details: { retryAfterMs: 7_000 } },
    },
    'EXCEED_REQUEST_LIMIT',
    { retryAfterMs: 7_000 },
  ],
  [{ status: 404, json: '404 Not Found' }, 'INVALID_PARAM', {}],
  [{ status: 502, json: '<html>' }, 'OFFLINE', {}],
  [{ status: 200, json: { ticket: 7 } }, 'OFFLINE', {}],
  [{ status: 200, json: { ticket: 'forged' } }, 'TOKEN_REFUSED', {}],
  [new CloudError('OFFLINE', { errMsg: 'no answer' }), 'OFFLINE', {}],
] as const)('[IDENTITY-27] when the server says %j nothing has changed', async (answer, code, details) => {
  const { auth, doors, cloud } = await setUp()
  doors.answer = answer
  await expect(auth.signIn(anna)).rejects.toMatchObject({ code, details })
  expect(auth.currentUser).toMatchObject({ isAnonymous: true })
  expect(cloud.status().state).toBe('online')
  doors.answer = undefined
  await auth.signIn(anna)
  expect(auth.currentUser).toMatchObject({ username: 'anna' })
})

test('[IDENTITY-28] who signs up is signed in; a missing choice is told before there is an account', async () => {
  const { auth, asked, cloud, rig, platform } = await setUp()
  platform.network.isUp = false
  platform.network.cut()
  await rig.pass()
  await cloud
    .database()
    .collection('todos')
    .add({ data: { _id: '1' } })
  await expect(auth.signUp(anna)).rejects.toMatchObject({ code: 'INVALID_PARAM', details: { writes: 1 } })
  expect(asked).toEqual([])
  platform.network.isUp = true
  platform.hint('online')
  await cloud.whenSynced()
  const { anonymousData } = await auth.signUp({ ...anna, anonymousData: 'merge' })
  expect(asked.map(({ door }) => door)).toEqual(['http://cloud.test/auth/password/sign-up'])
  expect(anonymousData).toEqual({ choice: 'merge', documents: 1, left: 0 })
  expect(rig.server.get('todos', '1')).toMatchObject({ _openid: cloud.status().openid })
})

test('[IDENTITY-29] a new password goes with a new session, and this device hears of no end', async () => {
  const { auth, asked, cloud, rig, needed } = await setUp()
  await auth.signIn(anna)
  await rig.pass()
  const { openid } = cloud.status()
  await auth.setPassword({ old_password: anna.password, new_password: 'battery staple' })
  await rig.pass(1_000)
  expect(asked.at(-1)).toEqual({
    door: 'http://cloud.test/auth/password/change',
    body: { ...anna, newPassword: 'battery staple' },
  })
  expect(cloud.status()).toMatchObject({ state: 'online', openid })
  await cloud
    .database()
    .collection('todos')
    .add({ data: { _id: '1' } })
  await cloud.whenSynced()
  expect(rig.server.get('todos', '1')).toMatchObject({ _openid: openid })
  expect(needed).toEqual([])
})

test('[IDENTITY-29] a change that the server refuses, or that is another user’s, leaves the session as it was', async () => {
  const { auth, doors, cloud, rig } = await setUp()
  const change = { old_password: 'wrong', new_password: 'battery staple' }
  await expect(auth.setPassword(change)).rejects.toMatchObject({ code: 'INVALID_PARAM' })
  await auth.signIn(anna)
  await rig.pass()
  const { openid } = cloud.status()
  doors.answer = {
    status: 401,
    json: { code: 'TOKEN_REFUSED', errMsg: 'wrong', details: { reason: 'password' } },
  }
  await expect(auth.setPassword(change)).rejects.toMatchObject({ details: { reason: 'password' } })
  rig.server.tickets.set('of-another', 'pw:bert')
  doors.answer = { status: 200, json: { ticket: 'of-another' } }
  await expect(auth.setPassword(change)).rejects.toMatchObject({ code: 'INVALID_PARAM' })
  await rig.pass(1_000)
  expect(cloud.status()).toMatchObject({ state: 'online', openid })
})

test('[IDENTITY-30] what is no name and password is refused before anybody is asked, and so is what is asked offline', async () => {
  const { auth, asked, cloud } = await setUp()
  const refused = { code: 'INVALID_PARAM' }
  for (const given of [
    undefined,
    null,
    'anna',
    {},
    { username: 'anna' },
    { ...anna, password: '' },
    { ...anna, username: 7 },
  ]) {
    await expect(auth.signIn(given as never)).rejects.toMatchObject(refused)
    await expect(auth.signUp(given as never)).rejects.toMatchObject(refused)
  }
  await expect(auth.signInWithUsernameAndPassword('anna', undefined as never)).rejects.toMatchObject(refused)
  await expect(auth.signIn({ ...anna, anonymousData: 'lose' as never })).rejects.toMatchObject(refused)
  cloud.goOffline()
  await expect(auth.signIn(anna)).rejects.toMatchObject({ code: 'OFFLINE' })
  expect(asked).toEqual([])
  cloud.goOnline()
  await auth.signIn(anna)
  cloud.goOffline()
  await expect(auth.setPassword({ old_password: 'a', new_password: 'b' })).rejects.toMatchObject({
    code: 'OFFLINE',
  })
  expect(cloud.status().state).toBe('offline')
})
