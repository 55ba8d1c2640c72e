import type { Document, Write } from '@nearcloud/protocol'
import type { Filter } from '@nearcloud/query'
import { expect, test } from 'vitest'
import { createJudge } from '../rules/create-judge.ts'
import { parseRules } from '../rules/rules-file.ts'
import { type LocalHouse, openHouse, tokenOf } from '../testing/local-house.ts'
import { MemoryEngine } from '../testing/memory-engine.ts'
import { pruneTo } from '../testing/prune-to.ts'
import { clientId, type RawClient } from '../testing/raw-client.ts'
import { admin, alice, mutationOf } from '../testing/scenario.ts'

type Data = Record<string, Document[string]>
const add = (id: string, data: Data = {}): Write => ({ op: 'add', collection: 'todos', id, data })
const set = (id: string, path: string, value: Document[string]): Write => ({
  op: 'update',
  collection: 'todos',
  id,
  changes: [[path, 'set', value]],
})
const remove = (id: string): Write => ({ op: 'remove', collection: 'todos', id })
const where = (path: string, value: Document[string]): Filter => ['field', path, ['eq', value]]

async function write(house: LocalHouse, ...writes: Write[]): Promise<void> {
  const { outcome } = await house.environment.commit({ actor: admin, writes })
  expect(outcome.status).toBe('accepted')
}

async function join(house: LocalHouse, name: string, client = name): Promise<RawClient> {
  const raw = house.connect()
  await raw.hello({ client: clientId(client), token: tokenOf(name) })
  return raw
}

/** Everything told so far has arrived. */
async function settled(client: RawClient): Promise<void> {
  client.send({ type: 'ping' })
  await client.next('pong')
}

const itemsHeard = (client: RawClient) =>
  client.heard.flatMap(message => (message.type === 'changes' ? message.items : []))

test('[FAN-1] a document the reader may not see is never sent or named', async () => {
  const house = await openHouse()
  const bob = await join(house, 'bob')
  bob.subscribe(1)
  await bob.next('snapshot')
  await write(house, add('secret-id', { _openid: 'alice' }))
  await write(house, set('secret-id', 'n', 1))
  await write(house, remove('secret-id'))
  await settled(bob)
  expect(JSON.stringify(bob.heard)).not.toContain('secret-id')
})

test('[FAN-2] a document the reader may no longer see is told as gone, without its contents', async () => {
  const house = await openHouse()
  await write(house, add('a', { _openid: 'alice', public: true, n: 'first' }))
  const bob = await join(house, 'bob')
  bob.subscribe(1)
  expect((await bob.next('snapshot')).items).toMatchObject([['todos', 1, { _id: 'a' }]])
  await write(house, set('a', 'public', false), set('a', 'n', 'hidden'))
  expect((await bob.next('changes')).items).toEqual([['todos', 2, null, 'a']])
  await write(house, set('a', 'n', 'more'))
  await settled(bob)
  expect(JSON.stringify(bob.heard)).not.toContain('hidden')
  expect(itemsHeard(bob).length).toBe(1)
})

test('[FAN-3] a document that leaves or enters a followed query is told as gone or put', async () => {
  const house = await openHouse()
  await write(house, add('a', { public: true, done: false }), add('b', { public: true, done: true }))
  const bob = await join(house, 'bob')
  bob.subscribe(1, { where: where('done', false) })
  expect((await bob.next('snapshot')).items.length).toBe(1)
  await write(house, set('a', 'done', true), set('b', 'done', false))
  const { items } = await bob.next('changes')
  expect(items).toEqual([
    ['todos', 2, null, 'a'],
    ['todos', 2, { _id: 'b', public: true, done: false }],
  ])
})

test('[FAN-4] a client’s own writes come back, also when it follows nothing', async () => {
  const house = await openHouse()
  const phone = await join(house, 'alice')
  phone.push(mutationOf(1, [add('a', { n: 1 })]), mutationOf(2, [add('b', { title: 'bad' })]))
  expect((await phone.next('pushed')).outcomes.map(each => each.status)).toEqual(['accepted', 'rejected'])
  expect(await phone.next('changes')).toMatchObject({
    from: 0,
    to: 1,
    lastMutation: 2,
    items: [['todos', 1, { _id: 'a', _openid: 'alice', n: 1 }]],
  })
  phone.push(mutationOf(3, [remove('a')]))
  expect((await phone.next('changes')).items).toEqual([['todos', 2, null, 'a']])
})

test('[FAN-4] what it wrote to, and may not see, is told to it as gone, and to nobody else', async () => {
  const readPublic = { todos: { read: 'doc.public == true', write: true } }
  const judge = createJudge(parseRules(JSON.stringify({ database: readPublic }), 'rules.json'), () => 0)
  const house = await openHouse({ judge })
  await write(house, add('secret-id', { public: false, n: 1 }))
  const [phone, other] = [await join(house, 'alice'), await join(house, 'bob')]
  for (const client of [phone, other]) {
    client.subscribe(1, { where: where('public', true) })
    await client.next('snapshot')
  }
  const more: Write = { op: 'update', collection: 'todos', id: 'secret-id', changes: [['n', 'inc', 1]] }
  phone.push(mutationOf(1, [more]))
  expect((await phone.next('pushed')).outcomes).toEqual([{ id: 1, status: 'accepted', version: 2 }])
  for (const client of [phone, other]) await settled(client)
  expect(itemsHeard(phone)).toEqual([['todos', 2, null, 'secret-id']])
  expect(JSON.stringify(other.heard)).not.toContain('secret-id')
})

test('[FAN-5] how mutations were decided is told before what they did', async () => {
  const house = await openHouse()
  const phone = await join(house, 'alice')
  phone.subscribe(1)
  await phone.next('snapshot')
  const many = Array.from({ length: 100 }, (_, n) => mutationOf(n + 1, [add(`d${n}`)]))
  phone.push(...many.slice(0, 50))
  phone.push(...many.slice(50))
  let answered = 0
  let told = 0
  while (told < 100) {
    const message = phone.heard[0]
    if (message === undefined) {
      await new Promise(resolve => setImmediate(resolve))
      continue
    }
    phone.heard.shift()
    if (message.type === 'pushed') answered += message.outcomes.length
    if (message.type !== 'changes') continue
    told = message.lastMutation ?? told
    expect(told).toBeLessThanOrEqual(answered)
  }
})

test('[FAN-6] what happens in one turn is one message with the latest state', async () => {
  const house = await openHouse()
  const bob = await join(house, 'bob')
  bob.subscribe(1)
  await bob.next('snapshot')
  await Promise.all([
    write(house, add('a', { public: true, n: 0 })),
    write(house, set('a', 'n', 1)),
    write(house, set('a', 'n', 2)),
    write(house, add('b', { public: true })),
    write(house, remove('b')),
  ])
  await settled(bob)
  expect(bob.heard.filter(message => message.type === 'changes')).toMatchObject([
    { from: 0, to: 5, items: [['todos', 3, { _id: 'a', n: 2 }]] },
  ])
})

test('[FAN-7] a window is told with its ids, and what leaves it is gone', async () => {
  const house = await openHouse()
  for (let n = 1; n <= 4; n++) await write(house, add(`d${n}`, { public: true, n }))
  const bob = await join(house, 'bob')
  bob.subscribe(7, { orderBy: [['n', 'desc']], limit: 2 })
  expect(await bob.next('snapshot')).toMatchObject({ window: ['d4', 'd3'], last: true, total: 2 })
  await write(house, add('d5', { public: true, n: 5 }))
  expect(await bob.next('changes')).toMatchObject({
    items: [
      ['todos', 5, { _id: 'd5' }],
      ['todos', 3, null, 'd3'],
    ],
    windows: [[7, ['d5', 'd4']]],
  })
  await write(house, remove('d5'))
  expect(await bob.next('changes')).toMatchObject({
    items: [
      ['todos', 3, { _id: 'd3' }],
      ['todos', 6, null, 'd5'],
    ],
    windows: [[7, ['d4', 'd3']]],
  })
  await write(house, set('d4', 'public', false))
  expect(await bob.next('changes')).toMatchObject({
    items: [
      ['todos', 2, { _id: 'd2' }],
      ['todos', 7, null, 'd4'],
    ],
    windows: [[7, ['d3', 'd2']]],
  })
  await write(house, set('d1', 'm', 1))
  await settled(bob)
  expect(bob.heard.filter(message => message.type === 'changes').at(-1)).toMatchObject({ items: [] })
})

test('[FAN-8] what another query of the client still follows is not gone', async () => {
  const house = await openHouse()
  for (let n = 1; n <= 3; n++) await write(house, add(`d${n}`, { public: true, n }))
  const bob = await join(house, 'bob')
  bob.subscribe(1, { where: ['field', 'n', ['lte', 2]] })
  bob.subscribe(2, { orderBy: [['n', 'desc']], limit: 2 })
  await bob.next('snapshot')
  expect((await bob.next('snapshot')).window).toEqual(['d3', 'd2'])
  await write(house, add('d4', { public: true, n: 4 }))
  expect((await bob.next('changes')).items).toMatchObject([['todos', 4, { _id: 'd4' }]])
  await write(house, set('d2', 'n', 9))
  const { items, windows } = await bob.next('changes')
  expect(items).toMatchObject([
    ['todos', 5, { _id: 'd2', n: 9 }],
    ['todos', 3, null, 'd3'],
  ])
  expect(windows).toEqual([[2, ['d2', 'd4']]])
})

test('[FAN-9] a reader that is slow gets the latest state when it reads again', async () => {
  const house = await openHouse()
  let buffered = 0
  const bob = house.connect({ bufferedBytes: () => buffered })
  await bob.hello({ token: tokenOf('bob') })
  bob.subscribe(1)
  await bob.next('snapshot')
  await write(house, add('a', { public: true, n: 0 }))
  await bob.next('changes')
  buffered = 2_000_000
  for (let n = 1; n <= 50; n++) await write(house, set('a', 'n', n))
  await new Promise(resolve => setImmediate(resolve))
  expect(itemsHeard(bob).length).toBe(1)
  buffered = 0
  house.clock.advance(100)
  expect((await bob.next('changes')).items).toMatchObject([['todos', 51, { n: 50 }]])
})

test('[FAN-9] also of what happened while nothing it followed matched, when it follows more by then', async () => {
  const house = await openHouse()
  let buffered = 0
  const bob = house.connect({ bufferedBytes: () => buffered })
  await bob.hello({ token: tokenOf('bob') })
  bob.subscribe(1, { where: where('kind', 'x') })
  await write(house, add('a', { public: true, kind: 'x', n: 3 }), add('b', { public: true, kind: 'x', n: 3 }))
  await settled(bob)
  buffered = 2_000_000
  await write(house, set('a', 'kind', 'y'), set('b', 'kind', 'y'))
  await new Promise(resolve => setImmediate(resolve))
  await write(house, set('a', 'n', 9))
  bob.subscribe(2, { where: ['field', 'n', ['lt', 5]] })
  await new Promise(resolve => setImmediate(resolve))
  buffered = 0
  house.clock.advance(100)
  const { items } = await bob.next('changes')
  expect(items).toMatchObject([
    ['todos', 3, null, 'a'],
    ['todos', 2, { _id: 'b', n: 3 }],
  ])
})

test('[FAN-10] a reader for whom too much waits is sent away, to come back', async () => {
  const house = await openHouse()
  const bob = house.connect({ bufferedBytes: () => 2_000_000 })
  await bob.hello({ token: tokenOf('bob') })
  bob.subscribe(1)
  const docs = Array.from({ length: 20_001 }, (_, n) => add(`d${n}`, { public: true }))
  for (let at = 0; at < docs.length; at += 5_000) await write(house, ...docs.slice(at, at + 5_000))
  expect(await bob.next('bye')).toMatchObject({
    error: { code: 'EXCEED_REQUEST_LIMIT' },
    retryAfterMs: expect.any(Number),
  })
  await bob.ended()
})

test('[FAN-10] of who has not taken what was sent eight megabytes wait, no more', async () => {
  const house = await openHouse()
  const bob = house.connect({ bufferedBytes: () => 2_000_000 })
  await bob.hello({ token: tokenOf('bob') })
  bob.subscribe(1)
  const text = 'x'.repeat(900_000)
  await write(house, ...Array.from({ length: 10 }, (_, n) => add(`d${n}`, { public: true, text })))
  expect(await bob.next('bye')).toMatchObject({ error: { code: 'EXCEED_REQUEST_LIMIT' } })
  await bob.ended()
})

test('[FAN-11] a message too large for a frame comes in parts, and only the last says how far it reaches', async () => {
  const house = await openHouse()
  const bob = await join(house, 'bob')
  bob.subscribe(1)
  await bob.next('snapshot')
  const text = 'x'.repeat(900_000)
  await write(house, ...Array.from({ length: 5 }, (_, n) => add(`d${n}`, { public: true, text })))
  const parts = [await bob.next('changes'), await bob.next('changes'), await bob.next('changes')]
  expect(parts.map(part => [part.from, part.to, part.items.length])).toEqual([
    [0, 0, 2],
    [0, 0, 2],
    [0, 1, 1],
  ])
})

test('[FAN-12] a large snapshot comes in parts, counted, in _id order', async () => {
  const house = await openHouse()
  const text = 'x'.repeat(1_000)
  const count = 6_000
  await write(house, ...Array.from({ length: count }, (_, n) => add(`d${n}`, { public: n % 2 === 0, text })))
  const bob = await join(house, 'bob')
  bob.subscribe(3)
  const ids: unknown[] = []
  for (;;) {
    const part = await bob.next('snapshot')
    ids.push(...part.items.map(item => (item[2] as Document)._id))
    expect(part.done).toBe(ids.length)
    expect(part.total).toBeGreaterThanOrEqual(count / 2)
    if (part.last) {
      expect(part.total).toBe(count / 2)
      break
    }
  }
  expect(ids).toEqual([...ids].sort())
  expect(ids.length).toBe(count / 2)
})

test('[FAN-13] no document arrives in a snapshot before the changes up to it', async () => {
  const house = await openHouse()
  const phone = await join(house, 'alice')
  phone.push(mutationOf(1, [add('a', { n: 1 })]))
  phone.subscribe(1)
  await phone.next('snapshot')
  const order = phone.heard.map(message => message.type)
  expect(order.indexOf('changes')).toBeGreaterThan(order.indexOf('pushed'))
  expect(order.indexOf('snapshot')).toBeGreaterThan(order.indexOf('changes'))
})

test('[FAN-14] a change is held against the filters it may concern, not against all', async () => {
  const house = await openHouse()
  const stops = []
  for (let n = 0; n < 1_000; n++)
    stops.push(
      house.fanout.index.follow(
        { collection: 'todos', where: where('room', n), orderBy: [], skip: 0 },
        { note() {} },
      ),
    )
  stops.push(
    house.fanout.index.follow(
      { collection: 'todos', where: ['field', 'n', ['gt', 5]], orderBy: [], skip: 0 },
      { note() {} },
    ),
  )
  await write(house, add('a', { room: 7, tags: [1, 2] }))
  expect(house.fanout.index.candidates(house.heard[0]!)).toBe(2)
  for (const stop of stops) stop()
  expect(house.fanout.index.candidates(house.heard[0]!)).toBe(0)
})

test('[FAN-8] a query that is followed twice is followed until it is let go twice', async () => {
  const house = await openHouse()
  const bob = await join(house, 'bob')
  bob.subscribe(1, {})
  bob.subscribe(2, {})
  await settled(bob)
  bob.send({ type: 'unsubscribe', id: 2 })
  await write(house, add('a', { public: true }))
  await settled(bob)
  expect(bob.heard.at(-2)).toMatchObject({ type: 'changes', to: 1, items: [['todos', 1, { _id: 'a' }]] })
  bob.send({ type: 'unsubscribe', id: 1 })
  await write(house, add('b', { public: true }))
  await settled(bob)
  expect(bob.heard.at(-2)).toMatchObject({ type: 'changes', to: 2, items: [] })
})

test('[FAN-15] after a pong everything committed before its ping was told', async () => {
  const house = await openHouse()
  const bob = await join(house, 'bob')
  for (let n = 0; n < 20; n++) await write(house, add(`d${n}`))
  await settled(bob)
  expect(bob.heard.at(-2)).toMatchObject({ type: 'changes', from: 0, to: 20, items: [] })
})

test('[FAN-15] a pong comes after what is in the windows that were asked for before its ping', async () => {
  const house = await openHouse()
  await write(house, add('a', { public: true }))
  const bob = await join(house, 'bob')
  bob.subscribe(1, { limit: 2 })
  await settled(bob)
  expect(bob.heard.at(-2)).toMatchObject({ type: 'snapshot', window: ['a'] })
  bob.subscribe(2, { limit: 3 })
  bob.send({ type: 'ping' })
  bob.send({ type: 'unsubscribe', id: 2 })
  await bob.next('pong') // nothing is owed of what is not asked for any more
})

test('[FAN-15] a pong comes after what a window says that looked something up while more was committed', async () => {
  const engine = new MemoryEngine()
  const scan = engine.scan.bind(engine)
  let open = () => {}
  let gate: Promise<void> | undefined
  engine.scan = async function* (...asked) {
    await gate
    yield* scan(...asked)
  }
  const house = await openHouse({ engine })
  for (const [n, id] of ['b', 'c', 'd'].entries()) await write(house, add(id, { public: true, n }))
  const bob = await join(house, 'bob')
  bob.subscribe(1, { orderBy: [['n', 'asc']], limit: 2 })
  await settled(bob)
  gate = new Promise(resolve => {
    open = resolve
  })
  await write(house, remove('b'))
  await new Promise(resolve => setImmediate(resolve))
  await write(house, add('a', { public: true, n: -1 }))
  bob.send({ type: 'ping' })
  await new Promise(resolve => setImmediate(resolve))
  open()
  await bob.next('pong')
  const windows = bob.heard.flatMap(message => (message.type === 'changes' ? (message.windows ?? []) : []))
  expect(windows.at(-1)).toEqual([1, ['a', 'c']])
})

test('[RESUME-1] a client that was away is told exactly what it missed', async () => {
  const house = await openHouse()
  await write(
    house,
    ...['kept', 'changed', 'removed', 'hidden'].map(id => add(id, { public: true, n: 0 })),
    add('secret', {}),
  )
  const first = house.connect()
  const welcome = await first.hello({ token: tokenOf('bob') })
  first.subscribe(1)
  await first.next('snapshot')
  await settled(first)
  first.close()
  await first.ended()
  await write(house, set('changed', 'n', 1), set('hidden', 'public', false), remove('removed'))
  await write(house, set('changed', 'n', 2), set('secret', 'n', 2), add('new', { public: true }))
  await write(house, add('brief', { public: true }))
  await write(house, remove('brief'))

  const second = house.connect()
  const again = await second.hello({
    token: tokenOf('bob'),
    epoch: welcome.epoch,
    viewKey: welcome.viewKey,
    version: 1,
    subscriptions: [
      { id: 4, query: { collection: 'todos', where: ['and', []], orderBy: [], skip: 0 }, complete: true },
    ],
  })
  expect(again).toMatchObject({ resumed: true, version: 1 })
  const { from, to, items } = await second.next('changes')
  expect([from, to]).toEqual([1, 5])
  expect(items.length).toBe(4)
  expect(items).toEqual(
    expect.arrayContaining([
      ['todos', 3, { _id: 'changed', public: true, n: 2 }],
      ['todos', 2, null, 'hidden'],
      ['todos', 2, null, 'removed'],
      ['todos', 3, { _id: 'new', public: true }],
    ]),
  )
  await settled(second)
  expect(second.heard.some(message => message.type === 'snapshot')).toBe(false)
})

test('[RESUME-2] another epoch, other rights or lost history begin anew', async () => {
  const engine = new MemoryEngine()
  const house = await openHouse({ engine })
  for (let n = 0; n < 5; n++) await write(house, add(`d${n}`, { public: true }))
  const first = house.connect()
  const welcome = await first.hello({ token: tokenOf('bob') })
  first.close()
  const subscriptions = [
    { id: 1, query: { collection: 'todos', where: ['and', []], orderBy: [], skip: 0 }, complete: true },
  ]
  const known = {
    token: tokenOf('bob'),
    epoch: welcome.epoch,
    viewKey: welcome.viewKey,
    version: 2,
    subscriptions,
  }
  const resumes = async (part: object) => {
    const client = house.connect()
    const { resumed, version } = await client.hello({ ...known, ...part })
    if (resumed) expect((await client.next('changes')).from).toBe(known.version)
    else {
      expect(version).toBe(5)
      expect((await client.next('snapshot')).items.length).toBe(5)
    }
    client.close()
    await client.ended()
    return resumed
  }
  expect(await resumes({})).toBe(true)
  expect(await resumes({ epoch: 'another' })).toBe(false)
  expect(await resumes({ viewKey: 'another' })).toBe(false)
  expect(await resumes({ version: 6 })).toBe(false)
  house.judge.version = 'open-2'
  expect(await resumes({})).toBe(false)
  house.judge.version = 'open-1'
  await pruneTo(engine, 'test', { before: Number.POSITIVE_INFINITY, keep: 2 })
  expect(await resumes({})).toBe(false)
})

test('[RESUME-3] a window begins with its snapshot again', async () => {
  const house = await openHouse()
  await write(house, add('a', { public: true, n: 1 }), add('b', { public: true, n: 2 }))
  const first = house.connect()
  const { epoch, viewKey } = await first.hello({ token: tokenOf('bob') })
  first.close()
  await write(house, remove('b'))
  const second = house.connect()
  const query = { collection: 'todos', where: ['and', []], orderBy: [['n', 'desc']], skip: 0, limit: 1 }
  await second.hello({
    token: tokenOf('bob'),
    epoch,
    viewKey,
    version: 1,
    subscriptions: [{ id: 1, query, complete: true }],
  })
  expect(await second.next('snapshot')).toMatchObject({ window: ['a'], last: true })
})

test('[RESUME-4] what a client wrote before it lost the answer is told when it comes back', async () => {
  const house = await openHouse()
  const first = house.connect()
  await first.hello({ token: tokenOf('alice') })
  first.push(mutationOf(1, [add('a', { n: 1 })]))
  await first.next('pushed')
  first.close()
  await first.ended()
  const second = house.connect()
  const welcome = await second.hello({ token: tokenOf('alice') })
  expect(welcome).toMatchObject({
    lastMutation: 1,
    nonces: [[1, 'nonce1']],
    outcomes: [{ id: 1, status: 'accepted', version: 1 }],
    resumed: true,
  })
  expect(await second.next('changes')).toMatchObject({
    lastMutation: 1,
    items: [['todos', 1, { _id: 'a', _openid: alice.kind === 'user' ? alice.openid : '', n: 1 }]],
  })
})

test('[RESUME-5] a client that begins anew hears what its own mutations did before any snapshot, and in one message with their count', async () => {
  const house = await openHouse()
  const first = await join(house, 'alice')
  first.push(mutationOf(1, [add('a', { n: 1 })]), mutationOf(2, [add('b', { n: 1 })]))
  await first.next('pushed')
  first.close()
  await first.ended()
  await write(house, set('a', 'n', 2), remove('b'))
  house.judge.version = 'other rules'
  const second = house.connect()
  const query = { collection: 'todos', where: ['and', []], orderBy: [], skip: 0 }
  const welcome = await second.hello({
    client: clientId('alice'),
    token: tokenOf('alice'),
    epoch: 'memory',
    viewKey: 'before',
    subscriptions: [{ id: 1, query, complete: true }],
  })
  expect(welcome).toMatchObject({ resumed: false, lastMutation: 2 })
  await second.next('snapshot')
  const [told, snapshot] = second.heard.filter(({ type }) => type === 'changes' || type === 'snapshot')
  expect(told).toMatchObject({
    type: 'changes',
    lastMutation: 2,
    items: [
      ['todos', 3, { _id: 'a', n: 2 }],
      ['todos', 3, null, 'b'],
    ],
  })
  expect(snapshot).toMatchObject({ type: 'snapshot', items: [['todos', 3, { _id: 'a', n: 2 }]] })
})

test('[RESUME-5] a client that goes on from the beginning hears of its own documents as they are now, though it follows none', async () => {
  const house = await openHouse()
  const first = await join(house, 'alice')
  first.push(mutationOf(1, [add('a', { n: 'first' })]), mutationOf(2, [add('b', { n: 'first' })]))
  await first.next('pushed')
  first.close()
  await first.ended()
  await write(house, set('a', 'n', 'now'), remove('b'))
  const second = await join(house, 'alice')
  expect(await second.next('changes')).toMatchObject({
    ...{ from: 0, to: 3, lastMutation: 2 },
    items: [['todos', 3, { _id: 'a', n: 'now' }]],
  })
  // it may have been seen by rules that hold no more
  expect(JSON.stringify(second.heard)).not.toContain('first')
})

test('[RESUME-5] what another commit does to its own documents meanwhile is told with that commit', async () => {
  let [publish, stored] = [() => {}, () => {}]
  let meanwhile: (() => void) | undefined
  class SlowEngine extends MemoryEngine {
    override async lineage(env: string) {
      const isStored = new Promise<void>(resolve => (stored = resolve))
      meanwhile?.()
      if (meanwhile) await isStored
      return super.lineage(env)
    }

    override async commit(...batch: Parameters<MemoryEngine['commit']>) {
      await super.commit(...batch)
      stored()
      if (meanwhile) await new Promise<void>(resolve => (publish = resolve))
    }
  }
  const house = await openHouse({ engine: new SlowEngine() })
  const first = await join(house, 'alice')
  first.push(mutationOf(1, [add('a', { n: 1 })]))
  await first.next('pushed')
  first.close()
  await first.ended()
  house.judge.version = 'other rules'
  let written: Promise<void> | undefined
  meanwhile = () => (written = write(house, set('a', 'n', 2)))
  const second = house.connect()
  const greeting = { client: clientId('alice'), token: tokenOf('alice'), epoch: 'memory', viewKey: 'before' }
  expect(await second.hello(greeting)).toMatchObject({ resumed: false, version: 1, lastMutation: 1 })
  for (let turn = 0; turn < 20; turn++) await new Promise(resolve => setImmediate(resolve))
  const early = itemsHeard(second)
  publish()
  await written
  expect(early).toEqual([])
  expect(await second.next('changes')).toMatchObject({
    to: 2,
    lastMutation: 1,
    items: [['todos', 2, { n: 2 }]],
  })
})
