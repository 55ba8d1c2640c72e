import type { Document, Write } from '@nearcloud/protocol'
import { expect, test } from 'vitest'
import { MemoryEngine } from '../testing/memory-engine.ts'
import { admin, alice, bob, judgeBy, mutationOf, openWorld, type World } from '../testing/scenario.ts'

type Data = Record<string, Document[string]>
const add = (collection: string, id: string, data: Data = {}): Write => ({ op: 'add', collection, id, data })
const remove = (collection: string, id: string): Write => ({ op: 'remove', collection, id })
const set = (collection: string, id: string, path: string, value: Document[string]): Write => ({
  op: 'update',
  collection,
  id,
  changes: [[path, 'set', value]],
})

/** The guide's, to the letter. */
const guide = {
  create: 'auth.openid != null',
  update:
    "auth.openid != null && ((doc._openid == auth.openid) || (get('database.collection.roles').where({_openid: auth.openid, role: 'admin'}).size() > 0))",
  delete:
    "auth.openid != null && get('database.collection.roles').where({_openid: auth.openid, role: 'admin'}).size() > 0",
}
const isMember = `auth.openid in get('database.rooms.' + doc.room).members`
const rules = {
  articles: { read: true, ...guide },
  messages: { read: isMember, create: isMember, update: `${isMember} && doc.room == request.data.room` },
  rooms: { read: true, write: 'auth.openid in doc.members' },
  roles: 'ADMINONLY',
  tickets: { create: "get('database.collection.tickets').where({ show: doc.show }).size() < 5" },
  claims: {
    create:
      "get('database.claims.' + request.data.after) != null || get('database.collection.claims').where({ by: auth.openid }).size() == 0",
  },
}

function openWith(engine = new MemoryEngine()): World {
  return openWorld(engine, judgeBy(rules))
}

async function write(world: World, actor: typeof alice, ...writes: Write[]): Promise<string> {
  return (await world.environment.commit({ actor, writes })).outcome.status
}

test('[COMMIT-26] the guide’s rules: who has the role may change and delete', async () => {
  const world = openWith()
  expect(await write(world, alice, add('articles', 'a', { n: 1 }))).toBe('accepted')
  expect(await write(world, alice, set('articles', 'a', 'n', 2))).toBe('accepted')
  expect(await write(world, bob, set('articles', 'a', 'n', 3))).toBe('rejected')
  expect(await write(world, alice, remove('articles', 'a'))).toBe('rejected')
  await write(world, admin, add('roles', 'r', { _openid: 'bob', role: 'admin' }))
  expect(await write(world, bob, set('articles', 'a', 'n', 3))).toBe('accepted')
  expect(await write(world, alice, set('articles', 'a', 'n', 4))).toBe('accepted')
  await write(world, admin, set('roles', 'r', 'role', 'guest'))
  expect(await write(world, bob, remove('articles', 'a'))).toBe('rejected')
  await write(world, admin, set('roles', 'r', 'role', 'admin'))
  expect(await write(world, bob, remove('articles', 'a'))).toBe('accepted')
})

test('[COMMIT-26] a document named by the one that is written', async () => {
  const world = openWith()
  await write(
    world,
    admin,
    add('rooms', 'r1', { members: ['alice'] }),
    add('rooms', 'r2', { members: ['bob'] }),
  )
  expect(await write(world, alice, add('messages', 'm1', { room: 'r1' }))).toBe('accepted')
  expect(await write(world, alice, add('messages', 'm2', { room: 'r2' }))).toBe('rejected')
  expect(await write(world, alice, add('messages', 'm3', { room: 'none' }))).toBe('rejected')
  expect(await write(world, alice, add('messages', 'm4', {}))).toBe('rejected')
  expect(await write(world, alice, add('messages', 'm5', { room: ['r1'] }))).toBe('rejected')
  expect(await write(world, alice, set('messages', 'm1', 'room', 'r2'))).toBe('rejected')
  await write(world, admin, set('rooms', 'r1', 'members', ['bob']))
  expect(await write(world, alice, set('messages', 'm1', 'room', 'r1'))).toBe('rejected')
})

test('[COMMIT-27] commits of one group see what those before them decided', async () => {
  const engine = new MemoryEngine()
  const world = openWith(engine)
  await write(world, admin, add('rooms', 'r1', { members: ['alice'] }), add('articles', 'a'))
  const join = set('rooms', 'r1', 'members', ['alice', 'bob'])
  const role = add('roles', 'r', { _openid: 'bob', role: 'admin' })
  const asked: [actor: typeof alice, write: Write][] = [
    [bob, add('messages', 'm1', { room: 'r1' })],
    [alice, join],
    [bob, add('messages', 'm2', { room: 'r1' })],
    [admin, remove('rooms', 'r1')],
    [bob, add('messages', 'm3', { room: 'r1' })],
    [bob, set('articles', 'a', 'n', 1)],
    [admin, role],
    [bob, set('articles', 'a', 'n', 2)],
    [admin, set('roles', 'r', 'role', 'guest')],
    [bob, remove('articles', 'a')],
  ]
  const decided = await Promise.all(asked.map(([actor, each]) => write(world, actor, each)))
  expect(decided.map(status => status === 'accepted')).toEqual([
    ...[false, true, true, true, false],
    ...[false, true, true, true, false],
  ])
})

test('[COMMIT-27] a rule sees what was before the commit it judges, not its other writes', async () => {
  const world = openWith()
  await write(world, admin, add('rooms', 'r1', { members: ['alice'] }))
  const both = [set('rooms', 'r1', 'members', ['alice', 'bob']), add('messages', 'm', { room: 'r1' })]
  expect(await write(world, bob, ...both)).toBe('rejected')
  const leaving = [set('rooms', 'r1', 'members', ['bob']), add('messages', 'm', { room: 'r1' })]
  expect(await write(world, alice, ...leaving)).toBe('accepted')
  // a chain of documents that let each other in
  expect(await write(world, alice, add('claims', '1', { by: 'alice', after: '0' }))).toBe('accepted')
  const chain = [
    add('claims', '3', { by: 'alice', after: '2' }),
    add('claims', '2', { by: 'alice', after: '1' }),
  ]
  expect(await write(world, alice, ...chain)).toBe('rejected')
  expect(await write(world, alice, chain[1]!)).toBe('accepted')
  expect(await write(world, alice, chain[0]!)).toBe('accepted')
  expect(await write(world, bob, ...['a', 'b'].map(id => add('claims', id, { by: 'bob', after: 'x' })))).toBe(
    'accepted',
  )
  expect(await write(world, bob, add('claims', 'c', { by: 'bob', after: 'x' }))).toBe('rejected')
})

test('[COMMIT-27] a client’s mutations are decided with what rules read, once each', async () => {
  const world = openWith()
  await write(world, admin, add('rooms', 'r1', { members: ['bob'] }))
  await world.environment.openClient('phone', 'bob', 0)
  const mutations = Array.from({ length: 300 }, (_, n) =>
    mutationOf(n + 1, [add('messages', `m${n}`, { room: n % 3 === 0 ? 'r1' : `x${n}` })]),
  )
  const decisions = await Promise.all(
    mutations.map(mutation => world.environment.commit({ actor: bob, client: { id: 'phone', mutation } })),
  )
  expect(decisions.map(({ outcome }) => outcome.status === 'accepted')).toEqual(
    mutations.map((_, n) => n % 3 === 0),
  )
  expect((await world.documents('messages')).length).toBe(100)
})

test('[COMMIT-28] one commit reads so many other documents, and is refused alone when it wants more', async () => {
  const world = openWith()
  const rooms = Array.from({ length: 101 }, (_, n) => add('rooms', `r${n}`, { members: ['bob'] }))
  await write(world, admin, ...rooms)
  const messages = (count: number, name: string) =>
    Array.from({ length: count }, (_, n) => add('messages', `${name}${n}`, { room: `r${n}` }))
  const [most, tooMany, other] = await Promise.all([
    world.environment.commit({ actor: bob, writes: messages(100, 'a') }),
    world.environment.commit({ actor: bob, writes: messages(101, 'b') }),
    world.environment.commit({ actor: bob, writes: messages(1, 'c') }),
  ])
  expect([most.outcome.status, other.outcome.status]).toEqual(['accepted', 'accepted'])
  expect(tooMany.outcome).toMatchObject({ code: 'DATABASE_REQUEST_FAILED', details: { limit: 'ruleReads' } })
  const claims = (count: number, name: string) =>
    Array.from({ length: count }, (_, n) => add('tickets', `${name}${n}`, { show: `s${n}` }))
  expect(await write(world, bob, ...claims(10, 'a'))).toBe('accepted')
  expect(await write(world, bob, ...claims(11, 'b'))).toBe('rejected')
  const inOneRoom = Array.from({ length: 500 }, (_, n) => add('messages', `d${n}`, { room: 'r1' }))
  expect(await write(world, bob, ...inOneRoom)).toBe('accepted')
})

test('[COMMIT-29] what rules read is read once, until it changes', async () => {
  const engine = new MemoryEngine()
  const world = openWith(engine)
  await write(world, admin, add('rooms', 'r1', { members: ['bob'] }))
  const get = engine.get.bind(engine)
  let reads = 0
  engine.get = (env, collection, ids) => {
    if (collection === 'rooms') reads++
    return get(env, collection, ids)
  }
  for (let n = 0; n < 5; n++) await write(world, bob, add('messages', `m${n}`, { room: 'r1' }))
  expect(reads).toBe(1)
  await write(world, admin, set('rooms', 'r1', 'members', []))
  reads = 0
  expect(await write(world, bob, add('messages', 'm9', { room: 'r1' }))).toBe('rejected')
  expect(await write(world, bob, add('messages', 'm9', { room: 'r1' }))).toBe('rejected')
  expect(reads).toBe(1)
})

test('[COMMIT-29] what changes while it is read is read again', async () => {
  const engine = new MemoryEngine()
  const world = openWith(engine)
  await write(world, admin, add('rooms', 'r1', { members: ['bob'] }))
  const { reads } = world.environment
  const get = engine.get.bind(engine)
  let meanwhile: (() => Promise<unknown>) | undefined = () =>
    write(world, admin, set('rooms', 'r1', 'members', ['alice']))
  engine.get = async (env, collection, ids) => {
    const rows = await get(env, collection, ids)
    const change = collection === 'rooms' ? meanwhile : undefined
    if (change) {
      meanwhile = undefined
      await change()
    }
    return rows
  }
  await reads.load({ collection: 'rooms', id: 'r1' })
  expect(reads.document('rooms', 'r1')?.members).toEqual(['alice'])
})

test('[COMMIT-30] counting ends at 1,000 documents: then the rule is an error and a no', async () => {
  const world = openWorld(
    new MemoryEngine(),
    judgeBy({ c: { create: "get('database.collection.log').where({ k: 1 }).size() > 0" } }),
  )
  const lines = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, n) => add('log', `${from + n}`, { k: 1 }))
  await write(world, admin, ...lines(0, 999))
  expect(await write(world, bob, add('c', '1'))).toBe('accepted')
  await write(world, admin, ...lines(999, 1_001))
  expect(await write(world, bob, add('c', '2'))).toBe('rejected')
  const [, inGroup] = await Promise.all([
    write(world, admin, remove('log', '5')),
    write(world, bob, add('c', '3')),
  ])
  expect(inGroup, 'of too many it is not known how many there are').toBe('rejected')
  expect(await write(world, bob, add('c', '4'))).toBe('accepted')
})

test('[JUDGE-5] a field is named by whatever is done to it, also when that changes nothing', async () => {
  const untouched = { c: { read: true, create: true, update: 'request.data.role == null' } }
  const world = openWorld(new MemoryEngine(), judgeBy(untouched))
  await write(world, admin, add('c', 'd', { role: 1, n: 1 }))
  const update = (path: string, operator: 'inc' | 'remove' | 'max' | 'set', value: number | null): Write => ({
    ...{ op: 'update', collection: 'c', id: 'd' },
    changes: [[path, operator, value]],
  })
  expect(await write(world, alice, update('n', 'inc', 1))).toBe('accepted')
  for (const asked of [
    update('role', 'inc', 0),
    update('role', 'max', 0),
    update('role.x', 'remove', null),
    update('role', 'set', 1),
  ])
    expect(await write(world, alice, asked)).toBe('rejected')
})
