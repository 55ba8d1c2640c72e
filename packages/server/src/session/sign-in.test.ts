import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { UpOf } from '@nearcloud/protocol'
import { expect, onTestFinished, test } from 'vitest'
import { openTokens } from '../auth/tokens.ts'
import { openHouse } from '../testing/local-house.ts'
import { clientId } from '../testing/raw-client.ts'
import { judgeBy, mutationOf } from '../testing/scenario.ts'

async function setUp(options: Parameters<typeof openHouse>[0] = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'nearcloud-signin-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const house = await openHouse({
    ...options,
    tokens: ({ clock }) => openTokens(folder, clock, size => new Uint8Array(randomBytes(size))),
  })
  const signIn = async (uid: string, expire?: number) => {
    const client = house.connect()
    const ticket = await house.users.createTicket(uid, expire === undefined ? {} : { expire })
    client.send({ type: 'signIn', protocol: 4, env: '', ticket })
    const answer = await client.next('signedIn')
    await client.ended()
    return answer
  }
  return { ...house, signIn }
}

test('[SIGNIN-12] a ticket is shown instead of hello, answered once, and the conversation ends', async () => {
  const { connect, users, signIn } = await setUp()
  const { openid, token } = await signIn('anna')
  const anna = connect()
  expect(await anna.hello({ protocol: 4, client: clientId('a'), token })).toMatchObject({ openid })
  const other = connect()
  other.send({ type: 'signIn', protocol: 4, env: 'elsewhere', ticket: await users.createTicket('anna') })
  expect((await other.next('bye')).error.code).toBe('INVALID_ENV')
  const forger = connect()
  forger.send({ type: 'signIn', protocol: 4, env: '', ticket: 'x' })
  expect(await forger.next('bye')).toMatchObject({
    error: { code: 'TOKEN_REFUSED', details: { reason: 'invalid' } },
  })
  await forger.ended()
  anna.send({ type: 'signIn', protocol: 4, env: '', ticket: await users.createTicket('anna') })
  expect((await anna.next('bye')).error.code).toBe('PROTOCOL_ERROR')
})

test('[SIGNIN-12] where there are only anonymous users, nobody signs in and nothing is merged', async () => {
  const { connect } = await openHouse()
  const client = connect()
  client.send({ type: 'signIn', protocol: 4, env: '', ticket: 'x' })
  expect((await client.next('bye')).error.code).toBe('INVALID_PARAM')
  const other = connect()
  await other.hello()
  other.send({ type: 'merge', id: 1, token: 'x' })
  expect((await other.next('answer')).error?.code).toBe('INVALID_PARAM')
})

test('[SIGNIN-13] rules know who signed in by name: auth.uid and auth.loginType', async () => {
  const rule = "auth.loginType == 'CUSTOM' && auth.uid == 'anna'"
  const { connect, signIn } = await setUp({ judge: judgeBy({ todos: { read: rule, write: rule } }) })
  const { token } = await signIn('anna')
  const write = mutationOf(1, [{ op: 'add', collection: 'todos', id: '1', data: {} }])
  const anna = connect()
  await anna.hello({ protocol: 4, client: clientId('a'), token })
  anna.push(write)
  expect((await anna.next('pushed')).outcomes[0]?.status).toBe('accepted')
  const bert = connect()
  await bert.hello({ client: clientId('b') })
  bert.push(write)
  expect((await bert.next('pushed')).outcomes[0]?.status).toBe('rejected')
})

test('[SIGNIN-13] rules tell who has a password', async () => {
  const rule = "auth.loginType == 'USERNAME' && auth.uid == 'pw:anna'"
  const { connect, signIn } = await setUp({ judge: judgeBy({ todos: { read: rule, write: rule } }) })
  const write = mutationOf(1, [{ op: 'add', collection: 'todos', id: '1', data: {} }])
  const told: unknown[] = []
  for (const uid of ['pw:anna', 'xpw:anna', 'pw:ann']) {
    const client = connect()
    await client.hello({
      protocol: 4,
      client: clientId(uid[0] + uid.length.toString()),
      token: (await signIn(uid)).token,
    })
    client.push(write)
    told.push((await client.next('pushed')).outcomes[0]?.status)
  }
  expect(told).toEqual(['accepted', 'rejected', 'rejected'])
})

test('[SIGNIN-14] a conversation outlasts its token: new ones come at half the life, durable ones for whoever leaves', async () => {
  const { connect, signIn, clock } = await setUp({ limits: { heartbeatMs: 10_000_000 } })
  const { openid, token } = await signIn('anna', 60_000)
  const anna = connect()
  await anna.hello({ protocol: 4, client: clientId('a'), token })
  let latest = token
  for (let n = 0; n < 5; n++) {
    clock.advance(30_000)
    const renewed = await anna.next('renewed')
    expect(renewed.access).not.toBe('')
    expect(renewed.token).not.toBe(latest)
    latest = renewed.token
  }
  const late = connect()
  late.send({ ...hello, client: clientId('b'), token })
  expect(await late.next('bye')).toMatchObject({ error: { details: { reason: 'expired' } } })
  anna.close()
  clock.advance(59_000)
  const again = connect()
  expect(await again.hello({ protocol: 4, client: clientId('a'), token: latest })).toMatchObject({ openid })
})

test('[SIGNIN-14] a client of an older protocol is told no new tokens', async () => {
  const { connect, clock } = await setUp({ limits: { heartbeatMs: 10_000_000 } })
  const client = connect()
  await client.hello({ protocol: 3 })
  clock.advance(2 * 3_600_000)
  client.send({ type: 'ping' })
  await client.next('pong')
  expect(client.heard.map(({ type }) => type)).toEqual(['welcome', 'pong'])
})

test('[SIGNIN-15] when a user is deleted all its conversations end for good, and no token lets it in again', async () => {
  const { connect, users, signIn } = await setUp()
  const { token } = await signIn('anna')
  const { token: bertToken } = await signIn('bert')
  const [one, two, bert] = [connect(), connect(), connect()]
  await one.hello({ protocol: 4, client: clientId('a'), token })
  await two.hello({ protocol: 4, client: clientId('b'), token })
  await bert.hello({ protocol: 4, client: clientId('c'), token: bertToken })
  await users.delete({ uid: 'anna' })
  for (const client of [one, two]) {
    const bye = await client.next('bye')
    expect(bye).toMatchObject({ error: { code: 'TOKEN_REFUSED', details: { reason: 'deleted' } } })
    expect(bye.retryAfterMs).toBeUndefined()
    await client.ended()
  }
  const again = connect()
  again.send({ ...hello, client: clientId('a'), token })
  expect(await again.next('bye')).toMatchObject({ error: { details: { reason: 'deleted' } } })
  bert.send({ type: 'ping' })
  await bert.next('pong')
})

test('[SIGNIN-15] a user who is deleted in the middle of a greeting is not let in', async () => {
  const { connect, users, signIn } = await setUp()
  for (let turns = 0; turns < 12; turns++) {
    const { token } = await signIn('anna')
    const client = connect()
    client.send({ ...hello, client: clientId(String.fromCharCode(97 + turns)), token })
    for (let turn = 0; turn < turns; turn++) await new Promise(resolve => setImmediate(resolve))
    await users.delete({ uid: 'anna' })
    await client.ended()
    expect(client.heard.at(-1), `after ${turns} turns`).toMatchObject({
      type: 'bye',
      error: { details: { reason: 'deleted' } },
    })
  }
})

test('[SIGNIN-17] when all sessions of a user are ended, its conversations and tickets end too, and a new sign-in goes on', async () => {
  const { connect, users, signIn } = await setUp()
  const { openid, token } = await signIn('anna')
  const unused = await users.createTicket('anna')
  const anna = connect()
  const { access } = await anna.hello({ protocol: 4, client: clientId('a'), token })
  expect(await users.endSessions('anna')).toBe(true)
  const bye = await anna.next('bye')
  expect(bye).toMatchObject({ error: { code: 'TOKEN_REFUSED', details: { reason: 'ended' } } })
  expect(bye.retryAfterMs).toBeUndefined()
  const [late, again, third] = [connect(), connect(), connect()]
  late.send({ ...hello, client: clientId('a'), token })
  expect(await late.next('bye')).toMatchObject({ error: { details: { reason: 'ended' } } })
  third.send({ type: 'signIn', protocol: 4, env: '', ticket: unused })
  expect(await third.next('bye')).toMatchObject({ error: { details: { reason: 'ended' } } })
  const shown = await users.shown('access', access)
  await expect(users.known(shown.openid, shown.round)).rejects.toMatchObject({ details: { reason: 'ended' } })
  const fresh = await signIn('anna')
  expect(fresh.openid).toBe(openid)
  // what the new conversation tells is of the new round as well
  const { token: next } = await again.hello({ protocol: 4, client: clientId('a'), token: fresh.token })
  again.close()
  expect(await connect().hello({ protocol: 4, client: clientId('a'), token: next })).toMatchObject({ openid })
  for (const nobody of ['bert', '', '\u0000']) expect(await users.endSessions(nobody)).toBe(false)
})

test('[SIGNIN-17] a user whose sessions are ended in the middle of a greeting is not let in', async () => {
  const { connect, users, signIn } = await setUp()
  for (let turns = 0; turns < 12; turns++) {
    const { token } = await signIn('anna')
    const client = connect()
    client.send({ ...hello, client: clientId(String.fromCharCode(97 + turns)), token })
    for (let turn = 0; turn < turns; turn++) await new Promise(resolve => setImmediate(resolve))
    await users.endSessions('anna')
    await client.ended()
    expect(client.heard.at(-1), `after ${turns} turns`).toMatchObject({
      error: { details: { reason: 'ended' } },
    })
  }
})

test('[SIGNIN-16] merging is asked in the named user’s conversation; the anonymous one’s ends', async () => {
  const { connect, signIn, documents } = await setUp()
  const ann = connect()
  const welcome = await ann.hello({ protocol: 4, client: clientId('a') })
  ann.push(mutationOf(1, [{ op: 'add', collection: 'todos', id: '1', data: { n: 1 } }]))
  await ann.next('pushed')
  const { openid, token } = await signIn('anna')
  const anna = connect()
  await anna.hello({ protocol: 4, client: clientId('b'), token })
  anna.subscribe(1)
  expect((await anna.next('snapshot')).items).toEqual([])
  anna.send({ type: 'merge', id: 7, token: welcome.token })
  expect(await anna.next('answer')).toEqual({ type: 'answer', id: 7, result: { documents: 1, left: 0 } })
  expect(await ann.next('bye')).toMatchObject({
    error: { code: 'TOKEN_REFUSED', details: { reason: 'merged' } },
  })
  expect(await documents()).toEqual([{ _id: '1', _openid: openid, n: 1 }])
  expect(anna.heard.filter(({ type }) => type === 'changes').at(-1)).toMatchObject({
    items: [['todos', expect.any(Number), { _id: '1', _openid: openid, n: 1 }]],
  })
  // an anonymous one cannot take over
  const bert = connect()
  await bert.hello({ protocol: 4, client: clientId('c') })
  bert.send({ type: 'merge', id: 1, token: welcome.token })
  expect((await bert.next('answer')).error?.code).toBe('INVALID_PARAM')
})

const hello: UpOf<'hello'> = {
  type: 'hello',
  client: clientId('a'),
  protocol: 4,
  env: '',
  version: 0,
  seen: 0,
  subscriptions: [],
  clock: 0,
}
