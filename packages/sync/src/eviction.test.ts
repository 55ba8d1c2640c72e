import { expect, test } from 'vitest'
import { everyOne, keptBy, type TestClient, TestRig } from './testing/index.ts'

const minute = 60_000
const day = 86_400_000

function rigWith(count: number): TestRig {
  const rig = new TestRig()
  for (let i = 0; i < count; i++)
    rig.server.put('todos', { _id: `t${String(i).padStart(4, '0')}`, n: i, even: i % 2 === 0 })
  return rig
}

const even = everyOne('todos', ['field', 'even', ['eq', true]])
const odd = everyOne('todos', ['field', 'even', ['eq', false]])
const below = (n: number) => everyOne('todos', ['field', 'n', ['lt', n]])

/** Has a query here, and lets it go. */
async function visit(rig: TestRig, client: TestClient, query: typeof even): Promise<void> {
  const subscription = client.sync.subscribe(query)
  await rig.pass()
  await subscription.ready
  subscription.close()
  await rig.pass()
}

const here = ({ store }: TestClient) =>
  [...store.confirmedDocuments()].map(({ document }) => document._id).sort()
const evicted = ({ events }: TestClient) =>
  events.filter(({ name }) => name === 'evicted').map(({ detail }) => detail)

test('[CACHE-1] what was let go longest ago goes first when there is too much', async () => {
  const rig = rigWith(20)
  const ann = await rig.client({ cache: { maxDocuments: 12 } })
  await visit(rig, ann, even)
  await rig.pass(minute)
  await visit(rig, ann, odd)
  await rig.pass(5 * minute)
  expect(here(ann)).toHaveLength(12)
  expect(here(ann).filter(id => Number(String(id).slice(1)) % 2 === 1)).toHaveLength(10)
  expect(evicted(ann)).toEqual([{ collection: 'todos', count: 8 }])
  await rig.pass(5 * minute)
  expect(evicted(ann)).toHaveLength(1)
})

test('[CACHE-1] what nobody wanted for thirty days goes, and no query is remembered then', async () => {
  const rig = rigWith(4)
  const ann = await rig.client()
  await visit(rig, ann, even)
  await rig.pass(29 * day)
  await visit(rig, ann, below(1)) // one of the two is wanted once more
  await rig.pass(2 * day)
  expect(here(ann)).toEqual(['t0000'])
  await rig.pass(29 * day)
  expect(here(ann)).toEqual([])
  expect(ann.store.subscriptions.size).toBe(0)
  expect(evicted(ann)).toEqual([
    { collection: 'todos', count: 1 },
    { collection: 'todos', count: 1 },
  ])
})

test('[CACHE-1] what is here because of own writes alone counts from when it is noticed', async () => {
  const rig = rigWith(0)
  const ann = await rig.client()
  await ann.sync.executor.commit({ writes: [{ op: 'add', collection: 'notes', id: 'mine', data: {} }] })
  await rig.pass(29 * day)
  expect(here(ann)).toEqual(['mine'])
  await rig.pass(2 * day)
  expect(here(ann)).toEqual([])
  expect(rig.server.get('notes', 'mine')).toBeDefined()
})

test('[CACHE-2] what is followed or has pending writes stays, whatever the limits say', async () => {
  const rig = rigWith(10)
  const ann = await rig.client({ cache: { maxDocuments: 0, maxAgeMs: 0 }, warmMs: 1_000 })
  ann.sync.subscribe(below(2))
  ann.sync.subscribe(everyOne('todos', undefined, { orderBy: [['n', 'desc']], limit: 2 }))
  await visit(rig, ann, everyOne('todos'))
  ann.network.fate = frame => (frame.includes('"push"') ? 'drop' : 'deliver')
  const writes = [{ op: 'update', collection: 'todos', id: 't0005', changes: [['n', 'set', 50]] }] as const
  await ann.sync.executor.commit({ writes })
  await rig.pass(10 * minute)
  expect(here(ann)).toEqual(['t0000', 't0001', 't0005', 't0008', 't0009'])
  expect(ann.store.get('todos', 't0005')).toMatchObject({ n: 50 })
  ann.network.fate = () => 'deliver'
  ann.network.cut()
  await rig.pass(15 * minute)
  expect(rig.server.get('todos', 't0005')).toMatchObject({ n: 50 })
  expect(here(ann)).toEqual(['t0000', 't0001', 't0005', 't0009'])
})

test('[CACHE-2] a window that is on its way keeps its collection as it is', async () => {
  const rig = rigWith(10)
  const ann = await rig.client({ cache: { maxDocuments: 0 } })
  await visit(rig, ann, everyOne('todos'))
  ann.network.fate = frame => (frame.includes('"snapshot"') ? 'drop' : 'deliver')
  ann.sync.subscribe(everyOne('todos', undefined, { limit: 2 }))
  await rig.pass(10 * minute)
  expect(here(ann)).toHaveLength(10)
  ann.network.fate = () => 'deliver'
  ann.network.cut()
  await rig.pass(10 * minute)
  expect(here(ann)).toEqual(['t0000', 't0001'])
})

test('[CACHE-2] a query that was let go half way leaves nothing that nobody vouches for', async () => {
  const rig = rigWith(250)
  const ann = await rig.client()
  await visit(rig, ann, below(10))
  rig.server.viewKey = 'view-2'
  ann.network.fate = frame => (frame.includes('"last":true') ? 'drop' : 'deliver')
  const whole = ann.sync.subscribe(everyOne('todos'))
  await rig.pass()
  whole.close()
  await rig.pass(5 * minute)
  expect(here(ann)).toHaveLength(10)
})

test('[CACHE-2] also when it is let go while the store takes in that nobody says so', async () => {
  const rig = rigWith(10)
  const ann = await rig.client({ warmMs: 0 })
  const left = ann.sync.subscribe(everyOne('todos'))
  await rig.pass(1_000)
  rig.server.viewKey = 'view-2'
  const confirm = ann.store.confirm.bind(ann.store)
  ann.store.confirm = async step => {
    const confirmed = confirm(step)
    if (step.checkpoint?.viewKey === 'view-2') {
      ann.store.confirm = confirm
      left.close()
      rig.clock.advance(1)
    }
    await confirmed
  }
  ann.network.cut()
  await rig.pass(1_000)
  expect(here(ann)).toEqual([])
})

test('[CACHE-2] what is let go while another history is taken in is not put back, to wait for nobody', async () => {
  const rig = rigWith(10)
  const ann = await rig.client({ warmMs: 0 })
  const left = ann.sync.subscribe(everyOne('todos'))
  await rig.pass(1_000)
  rig.server.epoch = 'epoch-2'
  rig.server.common = 5
  const confirm = ann.store.confirm.bind(ann.store)
  ann.store.confirm = async step => {
    const confirmed = confirm(step)
    if (step.cut === 5) {
      ann.store.confirm = confirm
      left.close()
      rig.clock.advance(1)
    }
    await confirmed
  }
  ann.network.cut()
  await rig.pass(1_000)
  expect([...ann.store.subscriptions.values()].filter(({ letGo }) => letGo === undefined)).toEqual([])
})

test.each(['at once', 'when the store refused it at first'])(
  '[CACHE-2] what is let go before it was compared goes %s: nobody says that it may still be read',
  async how => {
    const rig = new TestRig()
    for (const id of ['a', 'b', 'c']) rig.server.put('todos', { _id: id, of: id === 'c' ? 'kept' : 'left' })
    const ann = await rig.client()
    const left = ann.sync.subscribe(everyOne('todos', ['field', 'of', ['eq', 'left']]))
    ann.sync.subscribe(everyOne('todos', ['field', '_id', ['in', ['b', 'c']]]))
    await rig.pass(1_000)
    rig.server.viewKey = 'view-2'
    ann.network.fate = (frame, direction) =>
      direction === 'down' && /"(inventory|snapshot)"/.test(frame) ? 'drop' : 'deliver'
    ann.network.cut()
    await rig.pass(1_000)
    expect(ann.sync.arriving.length).toBe(2)
    if (how !== 'at once') ann.medium.faultAt(1, 'fail')
    left.close()
    if (how === 'at once') ann.sync.goOffline()
    await rig.pass(how === 'at once' ? 0 : 10_000)
    expect(here(ann)).toEqual(['b', 'c'])
  },
)

test('[CACHE-2] so does what a query has of it that was new then, and is let go in its turn', async () => {
  const rig = new TestRig()
  for (const id of ['a', 'b', 'c']) rig.server.put('todos', { _id: id })
  const ann = await rig.client()
  const left = ann.sync.subscribe(everyOne('todos'))
  await rig.pass(1_000)
  rig.server.viewKey = 'view-2'
  ann.network.fate = (frame, direction) =>
    direction === 'down' && /"(inventory|snapshot)"/.test(frame) ? 'drop' : 'deliver'
  ann.network.cut()
  await rig.pass(1_000)
  const next = ann.sync.subscribe(everyOne('todos', ['field', '_id', ['in', ['b', 'c']]]))
  left.close()
  ann.sync.goOffline()
  await rig.pass()
  expect(here(ann)).toEqual(['b', 'c'])
  next.close()
  await rig.pass()
  expect(here(ann)).toEqual([])
})

test('[CACHE-3] offline nothing is dropped; what was let go is remembered over a restart', async () => {
  const rig = rigWith(10)
  const cache = { maxAgeMs: day }
  const first = await rig.client({ cache })
  await visit(rig, first, everyOne('todos'))
  first.sync.goOffline()
  await rig.pass(3 * day)
  expect(here(first)).toHaveLength(10)
  await first.stop()
  const again = await rig.client({ cache, medium: first.medium })
  expect(keptBy(again.store)).toEqual([])
  await rig.pass(minute)
  expect(here(again)).toHaveLength(10)
  await rig.pass(4 * minute)
  expect(here(again)).toEqual([])
})

test('[CACHE-3] much is dropped by the thousand, durably', async () => {
  const rig = rigWith(2_500)
  const ann = await rig.client({ cache: { maxDocuments: 100 } })
  await visit(rig, ann, everyOne('todos'))
  await rig.pass(5 * minute)
  expect(evicted(ann)).toEqual([{ collection: 'todos', count: 1_000 }])
  await rig.pass(2_000)
  expect(evicted(ann)).toHaveLength(3)
  expect(here(ann)).toHaveLength(100)
  await ann.stop()
  const again = await rig.client({ medium: ann.medium })
  expect(here(again)).toHaveLength(100)
})

test('[CACHE-3] of queries that were let go two hundred are remembered', async () => {
  const rig = rigWith(210)
  const ann = await rig.client()
  for (let n = 0; n < 205; n++) {
    await visit(rig, ann, everyOne('todos', ['field', 'n', ['eq', n]]))
    await rig.pass(1)
  }
  await rig.pass(5 * minute)
  expect(here(ann)).toHaveLength(200)
  expect(here(ann)[0]).toBe('t0005')
  await rig.pass(5 * minute)
  expect(ann.store.subscriptions.size).toBe(200)
})

test('[CACHE-4] what was dropped is asked again like anything else', async () => {
  const rig = rigWith(4)
  const ann = await rig.client({ cache: { maxDocuments: 0 } })
  await visit(rig, ann, everyOne('todos'))
  await rig.pass(5 * minute)
  expect(evicted(ann)).toEqual([{ collection: 'todos', count: 4 }])
  const asked = ann.sync.executor.run({ verb: 'get', query: everyOne('todos') })
  await rig.pass()
  expect((await asked).documents).toHaveLength(4)
})

test('[CACHE-5] when the device is full everything that nobody follows goes, and nothing else', async () => {
  const rig = rigWith(20)
  const ann = await rig.client()
  await visit(rig, ann, even)
  ann.sync.subscribe(below(3))
  await rig.pass()
  expect(here(ann)).toHaveLength(11)
  ann.medium.faultAt(1, 'full')
  const write = { op: 'add', collection: 'notes', id: 'mine', data: {} } as const
  await expect(ann.sync.executor.commit({ writes: [write] })).rejects.toMatchObject({ code: 'STORE_FULL' })
  await rig.pass()
  expect(here(ann)).toEqual(['t0000', 't0001', 't0002'])
  expect(evicted(ann)).toEqual([{ collection: 'todos', count: 8 }])
  await ann.sync.executor.commit({ writes: [write] })
  expect(ann.store.get('notes', 'mine')).toBeDefined()
})

test('[CACHE-5] without a connection nothing is dropped, however full the device is', async () => {
  const rig = rigWith(6)
  const ann = await rig.client()
  await visit(rig, ann, even)
  ann.sync.goOffline()
  await rig.pass()
  ann.medium.faultAt(1, 'full')
  const write = { op: 'add', collection: 'notes', id: 'mine', data: {} } as const
  await expect(ann.sync.executor.commit({ writes: [write] })).rejects.toMatchObject({ code: 'STORE_FULL' })
  await rig.pass()
  expect(here(ann)).toHaveLength(3)
})
