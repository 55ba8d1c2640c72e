import { CloudError, limits, oldestProtocolVersion, type UpMessage } from '@nearcloud/protocol'
import { queryToJson } from '@nearcloud/query'
import { expect, test } from 'vitest'
import { type LocalHouse, openHouse, tokenOf } from '../testing/local-house.ts'
import { MemoryEngine } from '../testing/memory-engine.ts'
import { clientId, queryOf, type RawClient } from '../testing/raw-client.ts'
import { admin, mutationOf } from '../testing/scenario.ts'

const add = (id: string) => ({ op: 'add', collection: 'todos', id, data: {} }) as const

async function join(house: LocalHouse, name: string, client = name): Promise<RawClient> {
  const raw = house.connect()
  await raw.hello({ client: clientId(client), token: tokenOf(name) })
  return raw
}

test('[SESSION-1] a hello without a token signs in anonymously, and the token brings the same user back', async () => {
  const house = await openHouse()
  const first = house.connect()
  const welcome = await first.hello({ client: clientId('a') })
  expect(welcome).toMatchObject({
    protocol: 1,
    openid: 'user1',
    token: tokenOf('user1'),
    access: 'access/test/user1',
    lastMutation: 0,
    resumed: true,
    time: house.clock.now(),
    heartbeatMs: 25_000,
  })
  const second = house.connect()
  expect((await second.hello({ client: clientId('b'), token: welcome.token })).openid).toBe('user1')
  const third = house.connect()
  expect((await third.hello({ client: clientId('d') })).openid).toBe('user2')
})

test('[SESSION-2] another version, environment or a forged token is told why, and stays away', async () => {
  const house = await openHouse()
  const refused = async (part: object) => {
    const client = house.connect()
    client.hello(part).catch(() => {})
    const bye = await client.next('bye')
    expect(bye.retryAfterMs).toBeUndefined()
    await client.ended()
    return bye.error.code
  }
  expect(await refused({ protocol: 99 })).toBe('UPGRADE_NEEDED')
  expect(await refused({ env: 'elsewhere' })).toBe('INVALID_ENV')
  expect(await refused({ token: 'forged' })).toBe('TOKEN_REFUSED')
  expect(await refused({ token: 'access/test/alice' })).toBe('TOKEN_REFUSED')
})

test('[SESSION-2] a client of the oldest version still spoken is served in its own', async () => {
  const house = await openHouse()
  const client = house.connect()
  expect(await client.hello({ protocol: oldestProtocolVersion })).toMatchObject({
    protocol: oldestProtocolVersion,
    openid: 'user1',
  })
  client.send({ type: 'ping' })
  await client.next('pong')
})

test('[SESSION-3] a client id belongs to the user it was first used by', async () => {
  const house = await openHouse()
  const alice = await join(house, 'alice', 'c')
  const bob = house.connect()
  bob.hello({ token: tokenOf('bob'), client: clientId('c') }).catch(() => {})
  expect((await bob.next('bye')).error.code).toBe('TOKEN_REFUSED')
  alice.send({ type: 'ping' })
  await alice.next('pong')
  alice.close()
  await alice.ended()
  const later = house.connect()
  later.hello({ token: tokenOf('bob'), client: clientId('c') }).catch(() => {})
  expect((await later.next('bye')).error.code).toBe('TOKEN_REFUSED')
})

test('[SESSION-4] a newer connection of a client closes the older, and knows all that one asked', async () => {
  const house = await openHouse()
  const older = await join(house, 'alice', 'c')
  older.push(mutationOf(1, [add('a')]))
  const newer = house.connect()
  const welcome = newer.hello({ token: tokenOf('alice'), client: clientId('c') })
  expect((await welcome).lastMutation).toBe(1)
  expect((await older.next('bye')).error.code).toBe('ABORTED')
  await older.ended()
  expect(house.sessions.size).toBe(1)
})

test('[SESSION-5] mutations are answered in order, and a resend is answered as the first time', async () => {
  const house = await openHouse()
  const client = await join(house, 'alice')
  client.push(mutationOf(1, [add('a')]), mutationOf(2, [add('a')]))
  client.push(mutationOf(1, [add('a')]), mutationOf(2, [add('a')]), mutationOf(3, [add('b')]))
  const first = await client.next('pushed')
  const again = await client.next('pushed')
  expect(first.outcomes.map(each => [each.id, each.status])).toEqual([
    [1, 'accepted'],
    [2, 'rejected'],
  ])
  expect(again.outcomes.slice(0, 2)).toEqual(first.outcomes)
  expect(again.outcomes[2]).toMatchObject({ id: 3, status: 'accepted' })
})

test('[SESSION-6] a gap or a reused number ends the conversation; the next welcome tells the nonces', async () => {
  const house = await openHouse()
  const client = await join(house, 'alice')
  client.push(mutationOf(1, [add('a')]))
  await client.next('pushed')
  client.push(mutationOf(1, [add('x')], { nonce: 'clone' }))
  expect(await client.next('bye')).toMatchObject({
    error: { code: 'PROTOCOL_ERROR' },
    retryAfterMs: expect.any(Number),
  })
  const back = house.connect()
  const welcome = await back.hello({ client: clientId('alice'), token: tokenOf('alice') })
  expect(welcome.nonces).toEqual([[1, 'nonce1']])
  back.push(mutationOf(3, [add('c')]))
  expect((await back.next('bye')).error.code).toBe('PROTOCOL_ERROR')
  expect((await house.documents()).map(document => document._id)).toEqual(['a'])
})

test('[SESSION-17] a client that was set back to an earlier day still learns what it had sent by then', async () => {
  const house = await openHouse()
  const client = await join(house, 'alice')
  client.push(mutationOf(1, [add('a')]), mutationOf(2, [add('b')]))
  await client.next('pushed')
  client.close()
  await client.ended()
  const now = house.connect()
  await now.hello({ client: clientId('alice'), token: tokenOf('alice'), seen: 2 })
  now.close()
  await now.ended()
  const earlier = house.connect()
  const welcome = await earlier.hello({ client: clientId('alice'), token: tokenOf('alice'), seen: 0 })
  expect(welcome.nonces).toEqual([
    [1, 'nonce1'],
    [2, 'nonce2'],
  ])
  expect(welcome.outcomes).toMatchObject([{ id: 1 }, { id: 2 }])
})

test('[SESSION-7] a mutation with a value that cannot be is refused, and the count goes on', async () => {
  const house = await openHouse()
  const client = await join(house, 'alice')
  const write = { op: 'add', collection: 'todos', id: 'a', data: { n: { $date: 'never' } } }
  client.raw(
    JSON.stringify({ type: 'push', mutations: [{ id: 1, nonce: 'n', base: 0, time: 0, writes: [write] }] }),
  )
  expect((await client.next('pushed')).outcomes).toMatchObject([
    { id: 1, status: 'rejected', code: 'VALUE_REFUSED' },
  ])
  client.push(mutationOf(2, [add('a')]))
  expect((await client.next('pushed')).outcomes).toMatchObject([{ id: 2, status: 'accepted' }])
})

test('[SESSION-8] a subscription or count that may not be is refused alone', async () => {
  const house = await openHouse()
  const client = await join(house, 'alice')
  client.send({ type: 'subscribe', id: 1, query: { collection: '_files' } })
  expect(await client.next('denied')).toMatchObject({ id: 1, error: { code: 'INVALID_PARAM' } })
  client.subscribe(2, { skip: 10_000, limit: 10 })
  expect(await client.next('denied')).toMatchObject({ id: 2, error: { code: 'INVALID_PARAM' } })
  client.send({ type: 'count', id: 3, query: { collection: 'todos', where: ['evil'] } })
  expect(await client.next('answer')).toMatchObject({ id: 3, error: { code: 'DATABASE_INVALID_OPERATOR' } })
  client.send({ type: 'count', id: 4, query: queryToJson(queryOf()) })
  expect(await client.next('answer')).toEqual({ type: 'answer', id: 4, result: 0 })
})

test('[SESSION-9] calls and file questions are asked as the user, and their errors are answers', async () => {
  const house = await openHouse()
  house.functions.set('whoami', async (data, actor) => ({ data, actor: { ...actor } }) as never)
  house.functions.set('fails', async () => {
    throw new Error('a secret of the server')
  })
  const client = await join(house, 'alice')
  client.send({ type: 'call', id: 1, name: 'whoami', data: { at: { $date: 5 } } })
  expect(await client.next('answer')).toMatchObject({
    id: 1,
    result: { data: { at: { $date: 5 } }, actor: { kind: 'user', openid: 'alice' } },
  })
  client.send({ type: 'call', id: 2, name: 'nobody', data: null })
  expect(await client.next('answer')).toMatchObject({ id: 2, error: { code: 'FUNCTION_NOT_FOUND' } })
  client.send({ type: 'call', id: 3, name: 'fails', data: null })
  const failed = await client.next('answer')
  expect(failed.error?.code).toBe('SYS_ERR')
  expect(JSON.stringify(failed)).not.toContain('secret')
  client.send({ type: 'files', id: 4, ask: { verb: 'delete', files: [] } })
  expect(await client.next('answer')).toMatchObject({ id: 4, result: { asked: 'delete' } })
})

test('[SESSION-10] a call sees the writes pushed before it', async () => {
  const house = await openHouse()
  house.functions.set('count', async () => (await house.documents()).length)
  const client = await join(house, 'alice')
  client.push(mutationOf(1, [add('a')]))
  client.send({ type: 'call', id: 1, name: 'count', data: null })
  expect((await client.next('answer')).result).toBe(1)
})

test('[SESSION-11] a connection without a hello, and one that falls silent, are closed', async () => {
  const house = await openHouse()
  const quiet = house.connect()
  const client = await join(house, 'alice')
  house.clock.advance(10_000)
  expect((await quiet.next('bye')).error.code).toBe('PROTOCOL_ERROR')
  house.clock.advance(30_000)
  client.send({ type: 'ping' })
  await client.next('pong')
  house.clock.advance(50_000)
  client.send({ type: 'ping' })
  await client.next('pong')
  house.clock.advance(62_500)
  expect((await client.next('bye')).retryAfterMs).toBe(0)
  expect(house.sessions.size).toBe(0)
})

test('[SESSION-12] limits hold: subscriptions, and questions at once', async () => {
  const house = await openHouse({ limits: { subscriptions: 2, running: 1 } })
  let finish = () => {}
  house.functions.set('slow', () => new Promise(resolve => (finish = () => resolve(1))))
  const client = await join(house, 'alice')
  for (const id of [1, 2, 3]) client.subscribe(id)
  expect(await client.next('denied')).toMatchObject({ id: 3, error: { code: 'EXCEED_REQUEST_LIMIT' } })
  client.send({ type: 'call', id: 1, name: 'slow', data: null })
  client.send({ type: 'call', id: 2, name: 'slow', data: null })
  expect(await client.next('answer')).toMatchObject({ id: 2, error: { code: 'EXCEED_REQUEST_LIMIT' } })
  finish()
  expect(await client.next('answer')).toEqual({ type: 'answer', id: 1, result: 1 })
})

test('[SESSION-13] when the server stops everybody is told when to come back', async () => {
  const house = await openHouse()
  const client = await join(house, 'alice')
  house.sessions.close()
  expect(await client.next('bye')).toMatchObject({ error: { code: 'ABORTED' }, retryAfterMs: 1_000 })
  await client.ended()
  const late = house.connect()
  await late.ended()
})

test('[SESSION-14] when the engine fails nothing is acknowledged, and the client may come back', async () => {
  const house = await openHouse()
  const client = await join(house, 'alice')
  house.engine.beforeCommit = () => {
    throw new Error('disk on fire')
  }
  client.push(mutationOf(1, [add('a')]))
  expect(await client.next('bye')).toMatchObject({ retryAfterMs: 1_000 })
  expect(JSON.stringify(client.heard)).not.toContain('fire')
  house.engine.beforeCommit = () => {}
  const back = house.connect()
  expect((await back.hello({ client: clientId('alice'), token: tokenOf('alice') })).lastMutation).toBe(0)
  back.push(mutationOf(1, [add('a')]))
  expect((await back.next('pushed')).outcomes[0]).toMatchObject({ status: 'accepted' })
})

test('[SESSION-19] whoever is known may come in and read while nothing can be stored', async () => {
  const house = await openHouse()
  const client = await join(house, 'alice')
  client.push(mutationOf(1, [add('a')]))
  await client.next('pushed')
  house.engine.beforeCommit = () => {
    throw new CloudError('STORE_FULL', { errMsg: 'no space' })
  }
  for (let n = 0; n < 2; n++) {
    const back = house.connect()
    const welcome = await back.hello({ client: clientId('alice'), token: tokenOf('alice'), seen: 1 })
    expect(welcome.lastMutation).toBe(1)
    back.subscribe(7)
    expect(await back.next('snapshot')).toMatchObject({ id: 7, total: 1 })
    back.push(mutationOf(2, [add('b')]))
    expect(await back.next('bye')).toMatchObject({ error: { code: 'STORE_FULL' }, retryAfterMs: 1_000 })
  }
})

const deep = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`
const hostile: [title: string, frame: string | Uint8Array][] = [
  ['bytes', new Uint8Array([0, 255, 1, 2])],
  ['nothing', ''],
  ['no JSON', 'hello?'],
  ['half a message', '{"type":"ping"'],
  ['no object', '[]'],
  ['null', 'null'],
  ['an unknown message', '{"type":"drop"}'],
  ['a message of the server', '{"type":"pong"}'],
  ['an unknown field', '{"type":"ping","x":1}'],
  ['a prototype as type', '{"type":"__proto__"}'],
  ['a prototype as key', '{"type":"ping","__proto__":{"admin":true}}'],
  ['a constructor as key', '{"type":"call","id":1,"name":"f","data":{"constructor":{"prototype":{"x":1}}}}'],
  ['duplicate keys', '{"type":"ping","type":"push"}'],
  ['deep nesting', `{"type":"call","id":1,"name":"f","data":${deep(200)}}`],
  ['very deep nesting', `{"type":"call","id":1,"name":"f","data":${deep(100_000)}}`],
  ['half a surrogate', '{"type":"call","id":1,"name":"\\ud800","data":null}'],
  ['an empty push', '{"type":"push","mutations":[]}'],
  [
    'a mutation without writes',
    '{"type":"push","mutations":[{"id":1,"nonce":"n","base":0,"time":0,"writes":[]}]}',
  ],
  [
    'a mutation zero',
    '{"type":"push","mutations":[{"id":0,"nonce":"n","base":0,"time":0,"writes":[{"op":"remove","collection":"c","id":"x"}]}]}',
  ],
  [
    'an unknown operator',
    '{"type":"push","mutations":[{"id":1,"nonce":"n","base":0,"time":0,"writes":[{"op":"update","collection":"c","id":"x","changes":[["a","$where",1]]}]}]}',
  ],
  ['a number out of range', '{"type":"subscribe","id":1e999,"query":{}}'],
  ['too large', `{"type":"call","id":1,"name":"f","data":"${'x'.repeat(limits.frameBytes)}"}`],
]

for (const [title, frame] of hostile)
  test(`[SESSION-15] hostile frame: ${title} ends that conversation, and no other`, async () => {
    const house = await openHouse()
    const [victim, attacker, unknown] = [
      await join(house, 'alice'),
      await join(house, 'bob'),
      house.connect(),
    ]
    for (const client of [attacker, unknown]) {
      client.raw(frame)
      expect((await client.next('bye')).error.code).toBe('PROTOCOL_ERROR')
      await client.ended()
    }
    victim.push(mutationOf(1, [add('a')]))
    expect((await victim.next('pushed')).outcomes[0]).toMatchObject({ status: 'accepted' })
    expect(house.logged.filter(line => line.level === 'error')).toEqual([])
    expect(({} as { admin?: boolean }).admin).toBeUndefined()
  })

test('[SESSION-15] a second hello ends the conversation', async () => {
  const house = await openHouse()
  const client = await join(house, 'alice')
  client.hello({ token: tokenOf('alice') }).catch(() => {})
  expect((await client.next('bye')).error.code).toBe('PROTOCOL_ERROR')
})

test('[SESSION-15] random bytes never bring the process down', async () => {
  const house = await openHouse()
  let seed = 7
  const random = (below: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
    return seed % below
  }
  const real: UpMessage[] = [
    { type: 'ping' },
    { type: 'subscribe', id: 1, query: queryToJson(queryOf()) },
    { type: 'unsubscribe', id: 1 },
    { type: 'call', id: 1, name: 'f', data: { a: [1, { b: 2 }] } },
  ]
  for (let round = 0; round < 300; round++) {
    const client = await join(house, 'bob', 'c')
    const text = [...JSON.stringify(real[random(real.length)])]
    for (let n = random(6); n >= 0; n--) text[random(text.length)] = String.fromCharCode(random(0x10000))
    client.raw(text.join(''))
    client.send({ type: 'ping' })
    while (!client.isClosed && client.heard.at(-1)?.type !== 'pong')
      await new Promise(resolve => setImmediate(resolve))
    client.close()
    await client.ended()
  }
  expect(house.sessions.size).toBe(0)
  expect(house.logged.filter(line => line.level === 'error')).toEqual([])
})

for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf'])
  test(`[SESSION-16] prototype names are ordinary or refused, never looked up: ${name}`, async () => {
    const house = await openHouse()
    const client = await join(house, 'alice')
    client.send({ type: 'call', id: 1, name, data: null })
    expect((await client.next('answer')).error?.code).toBe('FUNCTION_NOT_FOUND')
    client.push(mutationOf(1, [{ op: 'add', collection: name, id: 'x', data: {} }]))
    const { outcomes } = await client.next('pushed')
    expect(['accepted', 'rejected']).toContain(outcomes[0]!.status)
    client.push(mutationOf(2, [{ op: 'add', collection: 'todos', id: name, data: {} }]))
    expect((await client.next('pushed')).outcomes[0]!.status).toBe('accepted')
  })

test('[RESTORE-2] a server that was set back tells how much of a copy is of its history, and clients before version 4 another name', async () => {
  const lineage: [string, number][] = [['first', 0]]
  const engine = new MemoryEngine('second', { earlier: [{ epoch: 'first', start: 0 }], start: 2 })
  const house = await openHouse({ engine })
  for (const id of ['a', 'b', 'c', 'd']) await house.environment.commit({ actor: admin, writes: [add(id)] })
  const welcomed = (part: object) =>
    house.connect().hello({ protocol: 4, client: clientId('z'), token: tokenOf('alice'), ...part })
  const { viewKey } = await welcomed({})
  const whole = await welcomed({ epoch: 'first', version: 2, viewKey, lineage })
  expect(whole).toMatchObject({
    resumed: true,
    epoch: 'second',
    lineage: [
      ['first', 0],
      ['second', 2],
    ],
  })
  expect(whole).not.toHaveProperty('common')
  // version 4 is there again, and is another one
  const ahead = await welcomed({ epoch: 'first', version: 4, viewKey, lineage })
  expect(ahead).toMatchObject({ resumed: false, common: 2 })
  expect(house.logged).toEqual([])
  const old = await welcomed({ protocol: 3, epoch: 'first', version: 3, viewKey })
  expect(old).toMatchObject({ resumed: true, epoch: 'first' })
  for (const field of ['lineage', 'common', 'forgotten', 'recall']) expect(old).not.toHaveProperty(field)
  const older = await welcomed({ protocol: 3, epoch: 'first', version: 9, viewKey })
  expect(older).toMatchObject({ resumed: false, epoch: 'second' })
})

test('[HISTORY-8] a client of which much is forgotten is told how much; one before version 4 is not let in, if it might send that again', async () => {
  const house = await openHouse()
  const client = clientId('f')
  const first = house.connect()
  await first.hello({ client, token: tokenOf('alice') })
  first.push(mutationOf(1, [add('a')]), mutationOf(2, [add('b')]))
  await first.next('pushed')
  first.close()
  await house.engine.forgetClients('test', Number.POSITIVE_INFINITY, '', 10)
  const old = house.connect()
  old.hello({ protocol: 3, client, token: tokenOf('alice'), seen: 1 }).catch(() => undefined)
  expect((await old.next('bye')).error).toMatchObject({ code: 'UPGRADE_NEEDED' })
  const settled = await house.connect().hello({ protocol: 3, client, token: tokenOf('alice'), seen: 2 })
  expect(settled).toMatchObject({ lastMutation: 2, nonces: [] })
  const welcome = await house.connect().hello({ protocol: 4, client, token: tokenOf('alice'), seen: 1 })
  expect(welcome).toMatchObject({ lastMutation: 2, forgotten: 2, nonces: [], outcomes: [] })
})
