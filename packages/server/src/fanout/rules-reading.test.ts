import type { Document, UpOf, Write } from '@nearcloud/protocol'
import type { Filter, Query, Stage } from '@nearcloud/query'
import { expect, test } from 'vitest'
import { type LocalHouse, openHouse, tokenOf } from '../testing/local-house.ts'
import { MemoryEngine } from '../testing/memory-engine.ts'
import { clientId, queryOf, type RawClient } from '../testing/raw-client.ts'
import { admin, judgeBy, mutationOf } from '../testing/scenario.ts'
import { Fanout } from './fanout.ts'

type Data = Record<string, Document[string]>
const add = (collection: string, id: string, data: Data = {}): Write => ({ op: 'add', collection, id, data })
const remove = (collection: string, id: string): Write => ({ op: 'remove', collection, id })
const set = (collection: string, id: string, path: string, value: Document[string]): Write => ({
  op: 'update',
  collection,
  id,
  changes: [[path, 'set', value]],
})
const where = (path: string, value: Document[string]): Filter => ['field', path, ['eq', value]]

const isMember = "auth.openid in get('database.rooms.' + doc.room).members"
const rules = {
  notes: {
    read: "doc._openid == auth.openid || get('database.collection.roles').where({_openid: auth.openid, role: 'admin'}).size() > 0",
  },
  messages: { read: isMember, create: isMember },
  posts: { read: "get('database.users.' + doc.owner).public == true", create: true },
  rooms: 'ADMINONLY',
  roles: 'ADMINONLY',
  users: 'ADMINONLY',
}

const allNotes = queryOf({ collection: 'notes' })
const inRoom = (room: string, part: Partial<Query> = {}) =>
  queryOf({ collection: 'messages', where: where('room', room), ...part })
const postsOf = (owner: string) => queryOf({ collection: 'posts', where: where('owner', owner) })

async function openWith(...given: Write[]): Promise<LocalHouse> {
  const house = await openHouse({ engine: new MemoryEngine(), judge: judgeBy(rules) })
  if (given.length > 0) await write(house, ...given)
  return house
}

async function write(house: LocalHouse, ...writes: Write[]): Promise<void> {
  expect((await house.environment.commit({ actor: admin, writes })).outcome.status).toBe('accepted')
}

interface Checkpoint {
  readonly version: number
  readonly epoch: string
  readonly viewKey: string
}

/** A conversation that begins anew, or where the last one ended. */
async function join(
  house: LocalHouse,
  name: string,
  queries: readonly Query[] = [],
  from?: Checkpoint,
): Promise<{ raw: RawClient; resumed: boolean; at: Checkpoint }> {
  const raw = house.connect()
  const subscriptions = queries.map((query, id) => ({ id, query, complete: from !== undefined }))
  const welcome = await raw.hello({
    client: clientId(name),
    token: tokenOf(name),
    subscriptions: subscriptions as unknown as UpOf<'hello'>['subscriptions'],
    ...from,
  })
  const { version, epoch, viewKey, resumed } = welcome
  return {
    raw,
    resumed,
    get at() {
      const told = raw.heard.flatMap(message => (message.type === 'changes' ? [message.to] : []))
      return { version: told.at(-1) ?? version, epoch, viewKey }
    },
  }
}

/** Everything told so far has arrived. */
async function settled({ raw }: { raw: RawClient }): Promise<void> {
  raw.send({ type: 'ping' })
  await raw.next('pong')
}

async function leave({ raw }: { raw: RawClient }): Promise<void> {
  raw.close()
  await raw.ended()
}

const words = (client: { raw: RawClient }) => JSON.stringify(client.raw.heard)
const cut = { error: { code: 'ABORTED' }, retryAfterMs: 0 }

const asAdmin = (openid: string) => add('roles', `role-${openid}`, { _openid: openid, role: 'admin' })

test('[FAN-19] a role that is granted brings documents, with none of them written', async () => {
  const house = await openWith(add('notes', 'n1', { _openid: 'alice', text: 'SECRET' }))
  const before = await join(house, 'bob', [allNotes])
  expect((await before.raw.next('denied')).error.code).toBe('DATABASE_PERMISSION_DENIED')
  await settled(before)
  expect(words(before)).not.toMatch(/SECRET|n1/)
  await write(house, asAdmin('bob'))
  expect(await before.raw.next('bye')).toMatchObject(cut)
  const after = await join(house, 'bob', [allNotes], before.at)
  expect(after.resumed).toBe(false)
  expect((await after.raw.next('snapshot')).items).toMatchObject([['notes', 1, { _id: 'n1' }]])
})

test('[FAN-19] a role that is taken takes documents away at once, and nothing is told afterwards', async () => {
  const house = await openWith(asAdmin('bob'), asAdmin('cat'), add('notes', 'n1', { _openid: 'alice' }))
  const [bob, cat] = [await join(house, 'bob', [allNotes]), await join(house, 'cat', [allNotes])]
  await bob.raw.next('snapshot')
  await cat.raw.next('snapshot')
  // in one commit and in one turn with what it may not see any more
  void house.environment.commit({ actor: admin, writes: [set('notes', 'n1', 'text', 'BEFORE')] })
  await write(house, remove('roles', 'role-bob'), add('notes', 'n2', { text: 'SECRET' }))
  await write(house, add('notes', 'n3', { text: 'SECRET' }))
  expect(await bob.raw.next('bye')).toMatchObject(cut)
  await bob.raw.ended()
  expect(words(bob)).not.toMatch(/SECRET|n2|n3/)
  const back = await join(house, 'bob', [allNotes], bob.at)
  expect(back.resumed).toBe(false)
  await back.raw.next('denied')
  await settled(back)
  expect(words(back)).not.toMatch(/SECRET|BEFORE|n1|n2|n3|"gone"/)
  await settled(cat)
  expect(words(cat), 'whoever is not concerned goes on').toMatch(/n3/)
  expect(cat.raw.isClosed).toBe(false)
})

test('[FAN-19] a change of a role that is none for the user disturbs nobody', async () => {
  const house = await openWith(asAdmin('bob'), add('notes', 'n1'))
  const [bob, dan] = [await join(house, 'bob', [allNotes]), await join(house, 'dan', [allNotes])]
  await bob.raw.next('snapshot')
  await write(
    house,
    set('roles', 'role-bob', 'since', 2020),
    add('roles', 'x', { _openid: 'dan', role: 'guest' }),
  )
  for (const each of [bob, dan]) await settled(each)
})

test('[FAN-20] who leaves a room is told nothing more of it, and those who stay are not disturbed', async () => {
  const house = await openWith(
    add('rooms', 'r1', { members: ['ann', 'bob'] }),
    add('messages', 'm1', { room: 'r1', text: 'hello' }),
  )
  const [ann, bob] = [await join(house, 'ann', [inRoom('r1')]), await join(house, 'bob', [inRoom('r1')])]
  for (const { raw } of [ann, bob]) expect((await raw.next('snapshot')).items.length).toBe(1)
  await write(house, add('messages', 'm2', { room: 'r1', text: 'more' }), set('rooms', 'r1', 'last', 'm2'))
  for (const each of [ann, bob]) {
    await settled(each)
    expect(words(each)).toContain('more')
  }
  await write(
    house,
    set('rooms', 'r1', 'members', ['ann']),
    add('messages', 'm3', { room: 'r1', text: 'SECRET' }),
  )
  expect(await bob.raw.next('bye')).toMatchObject(cut)
  await settled(ann)
  expect(words(ann)).toContain('SECRET')
  expect(words(bob)).not.toMatch(/SECRET|m3/)
  const back = await join(house, 'bob', [inRoom('r1')], bob.at)
  await back.raw.next('denied')
  await settled(back)
  expect(words(back)).not.toMatch(/SECRET|m1|m2|m3/)
  await write(house, set('rooms', 'r1', 'members', ['ann', 'bob']))
  await back.raw.ended()
  const again = await join(house, 'bob', [inRoom('r1')], back.at)
  expect((await again.raw.next('snapshot')).items.length).toBe(3)
})

test('[FAN-20] the same for windows, and for one document by its id', async () => {
  const house = await openWith(
    add('rooms', 'r1', { members: ['bob'] }),
    add('messages', 'm1', { room: 'r1', n: 1 }),
    add('messages', 'm2', { room: 'r1', n: 2 }),
  )
  const window = inRoom('r1', { orderBy: [['n', 'desc']], limit: 1 })
  const one = queryOf({ collection: 'messages', where: where('_id', 'm1') })
  for (const query of [window, one]) {
    const bob = await join(house, 'bob', [query])
    expect((await bob.raw.next('snapshot')).items.length).toBe(1)
    await write(
      house,
      add('messages', `w${query.limit ?? 0}`, { room: 'r1', n: 0 }),
      set('messages', 'm1', 'x', 1),
    )
    await settled(bob)
    await write(house, set('rooms', 'r1', 'members', []), set('messages', 'm1', 'n', 9))
    expect(await bob.raw.next('bye')).toMatchObject(cut)
    expect(words(bob)).not.toContain('"n":9')
    const back = await join(house, 'bob', [query], bob.at)
    expect(back.resumed).toBe(false)
    if (query === one) expect((await back.raw.next('snapshot')).items).toEqual([])
    else await back.raw.next('denied')
    await settled(back)
    expect(words(back)).not.toMatch(/m1|m2|"n":9/)
    await write(house, set('rooms', 'r1', 'members', ['bob']), set('messages', 'm1', 'n', 1))
    await back.raw.ended()
  }
})

test('[FAN-20] what a client wrote itself goes too, when its room closes, though it follows nothing', async () => {
  const house = await openWith(add('rooms', 'r1', { members: ['bob'] }))
  const bob = await join(house, 'bob')
  bob.raw.push(mutationOf(1, [add('messages', 'm1', { room: 'r1' })]))
  expect((await bob.raw.next('changes')).items.length).toBe(1)
  await write(house, set('rooms', 'r1', 'members', []))
  expect(await bob.raw.next('bye')).toMatchObject(cut)
  const back = await join(house, 'bob', [], bob.at)
  expect(back.resumed, 'what is under no subscription is dropped').toBe(false)
})

test('[RESUME-7] who was away begins anew when what rules read says something else to them', async () => {
  const house = await openWith(
    asAdmin('bob'),
    add('notes', 'n1'),
    add('rooms', 'r1', { members: ['bob', 'cat'] }),
    add('messages', 'm1', { room: 'r1' }),
  )
  const queries = [allNotes, inRoom('r1')]
  async function comesBack(...meanwhile: Write[]): Promise<boolean> {
    const first = await join(house, 'bob', queries)
    await settled(first)
    await leave(first)
    await write(house, ...meanwhile)
    const back = await join(house, 'bob', queries, first.at)
    await settled(back)
    await leave(back)
    return back.resumed
  }
  expect(await comesBack(add('notes', 'n2'))).toBe(true)
  expect(await comesBack(asAdmin('dan'), set('rooms', 'r1', 'members', ['bob']))).toBe(true)
  expect(await comesBack(remove('roles', 'role-bob'))).toBe(false)
  expect(await comesBack(asAdmin('bob'))).toBe(false)
  expect(await comesBack(set('rooms', 'r1', 'members', ['cat']))).toBe(false)
  expect(await comesBack(set('rooms', 'r1', 'members', ['bob']))).toBe(false)
})

test('[RESUME-7] also a client with nothing to be told', async () => {
  const house = await openWith(add('rooms', 'r1', { members: ['bob'] }))
  const window = inRoom('r1', { orderBy: [['n', 'desc']], limit: 1 })
  for (const queries of [[], [window]]) {
    const first = await join(house, 'bob', queries)
    await settled(first)
    await leave(first)
    await write(house, set('rooms', 'r1', 'members', queries.length === 0 ? [] : ['bob']))
    expect((await join(house, 'bob', queries, first.at)).resumed).toBe(false)
  }
})

test('[RESUME-7] one that goes on from before is cut by what an earlier conversation looked at', async () => {
  const house = await openWith(add('users', 'u1', { public: true }), add('posts', 'p1', { owner: 'u1' }))
  const one = queryOf({ collection: 'posts', where: where('_id', 'p1') })
  const first = await join(house, 'bob', [one])
  expect((await first.raw.next('snapshot')).items.length).toBe(1)
  await settled(first)
  await leave(first)
  const back = await join(house, 'bob', [one], first.at)
  expect(back.resumed).toBe(true)
  await write(house, set('users', 'u1', 'public', false))
  expect(await back.raw.next('bye')).toMatchObject(cut)
})

test('[FAN-21] a conversation that looked at other documents than the changed one goes on', async () => {
  const house = await openWith(
    add('users', 'u1', { public: true }),
    add('users', 'u2', { public: true }),
    add('posts', 'p1', { owner: 'u1' }),
    add('posts', 'p2', { owner: 'u2' }),
  )
  const [ofFirst, ofSecond] = [
    await join(house, 'bob', [postsOf('u1')]),
    await join(house, 'cat', [postsOf('u2')]),
  ]
  for (const { raw } of [ofFirst, ofSecond]) expect((await raw.next('snapshot')).items.length).toBe(1)
  await write(house, set('users', 'u1', 'public', false))
  expect(await ofFirst.raw.next('bye')).toMatchObject(cut)
  await settled(ofSecond)
})

test('[FAN-20] what is too much to find out concerns everybody who may have looked there', async () => {
  const house = await openWith(asAdmin('bob'))
  async function isCut(mostConcerns: number, ...changes: Write[]): Promise<boolean> {
    const fanout = await Fanout.open(house.environment, { mostConcerns })
    let cuts = 0
    const sink = { send: () => {}, bufferedBytes: 0, cut: () => cuts++ }
    const actor = { kind: 'user', openid: 'bob' } as const
    const feed = fanout.openFeed({ client: clientId('bob'), actor, viewKey: '', sink })
    await write(house, ...changes)
    feed.close()
    fanout.close()
    return cuts > 0
  }
  expect(await isCut(2, asAdmin('u1'), asAdmin('u2'))).toBe(false)
  expect(await isCut(2, asAdmin('u3'), asAdmin('u4'), asAdmin('u5'))).toBe(true)
  expect(await isCut(2, ...['n1', 'n2', 'n3'].map(id => add('notes', id)))).toBe(false)
})

test('[FIND-11] get, count, aggregate and lookup are of what such rules let the user read', async () => {
  const house = await openWith(
    add('rooms', 'r1', { members: ['bob'] }),
    add('rooms', 'r2', { members: ['cat'] }),
    ...['r1', 'r1', 'r2'].map((room, n) => add('messages', `m${n}`, { room, by: 'x' })),
    add('notes', 'n1', { _openid: 'bob', room: 'r1' }),
  )
  const executor = house.environment.executorFor({ kind: 'user', openid: 'bob' })
  const refused = expect.objectContaining({ code: 'DATABASE_PERMISSION_DENIED' })
  const ask = (verb: 'get' | 'count', query: Query) => executor.run({ verb, query })
  const aggregate = async (collection: string, ...stages: Stage[]) =>
    (await executor.run({ verb: 'aggregate', aggregation: { collection, stages } })).results
  const lookup: Stage = ['lookup', { from: 'notes', localField: 'room', foreignField: 'room', as: 'notes' }]
  const ofRoom: Stage = ['match', where('room', 'r1')]
  expect((await ask('get', inRoom('r1'))).documents.length).toBe(2)
  expect((await ask('count', inRoom('r1'))).total).toBe(2)
  for (const query of [inRoom('r2'), queryOf({ collection: 'messages' })])
    for (const verb of ['get', 'count'] as const) await expect(ask(verb, query)).rejects.toEqual(refused)
  const byId = (id: string) => queryOf({ collection: 'messages', where: where('_id', id) })
  expect((await ask('get', byId('m0'))).documents.length).toBe(1)
  expect((await ask('get', byId('m2'))).documents).toEqual([])
  expect((await ask('count', byId('m2'))).total).toBe(0)
  expect((await aggregate('messages', ofRoom))?.length).toBe(2)
  await expect(aggregate('messages')).rejects.toEqual(refused)
  await expect(aggregate('messages', ofRoom, lookup), 'it looks up every note').rejects.toEqual(refused)
  await write(house, asAdmin('bob'))
  expect(await aggregate('messages', ofRoom, lookup)).toMatchObject([
    { _id: 'm0', notes: [{ _id: 'n1' }] },
    { _id: 'm1', notes: [{ _id: 'n1' }] },
  ])
  await write(house, set('rooms', 'r1', 'members', []))
  await expect(ask('get', inRoom('r1'))).rejects.toEqual(refused)
  await expect(aggregate('messages', ofRoom)).rejects.toEqual(refused)
  expect((await ask('count', allNotes)).total).toBe(1)
  await write(house, remove('roles', 'role-bob'))
  await expect(ask('count', allNotes)).rejects.toEqual(refused)
})

test('[LIVE-3] a watch of a user ends when what rules read says something else to them', async () => {
  const house = await openWith(asAdmin('bob'), add('notes', 'n1'))
  const told: unknown[] = []
  const ended = new Promise<unknown>(resolve => {
    house.environment.executorFor({ kind: 'user', openid: 'bob' }).watch(allNotes, {
      next: ({ docs }) => told.push(docs.length),
      error: resolve,
    })
  })
  await write(house, asAdmin('cat'), add('notes', 'n2'))
  await write(house, remove('roles', 'role-bob'), add('notes', 'n3'))
  expect(await ended).toMatchObject({ code: 'ABORTED' })
  expect(told.every(count => count !== 3)).toBe(true)
})

test('[FAN-19] what rules read is never sent', async () => {
  const house = await openWith(
    add('rooms', 'r1', { members: ['bob'], topic: 'HIDDEN' }),
    add('messages', 'm1', { room: 'r1' }),
  )
  const bob = await join(house, 'bob', [inRoom('r1')])
  await bob.raw.next('snapshot')
  bob.raw.subscribe(7, { collection: 'rooms' })
  bob.raw.push(mutationOf(1, [add('messages', 'x', { room: 'r9' }), add('rooms', 'r1')]))
  await bob.raw.next('pushed')
  await write(house, set('rooms', 'r1', 'topic', 'HIDDEN too'))
  await settled(bob)
  expect(words(bob)).not.toContain('HIDDEN')
})
