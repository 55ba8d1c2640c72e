import type { Progress } from '@nearcloud/query'
import { expect, test } from 'vitest'
import { everyOne, type TestClient, TestRig } from './testing/index.ts'

function rigWith(count: number, collection = 'todos'): TestRig {
  const rig = new TestRig()
  for (let i = 0; i < count; i++) rig.server.put(collection, { _id: `t${String(i).padStart(3, '0')}`, n: i })
  return rig
}

test('[SUB-1] progress is told part by part, the last time before ready; what is here tells none', async () => {
  const rig = rigWith(250)
  const ann = await rig.client()
  const told: (Progress | 'ready')[] = []
  const options = { onProgress: (progress: Progress) => told.push(progress) }
  void ann.sync.subscribe(everyOne('todos'), options).ready.then(() => told.push('ready'))
  await rig.pass()
  const collection = 'todos'
  expect(told).toEqual([
    { collection, done: 100, total: 250 },
    { collection, done: 200, total: 250 },
    { collection, done: 250, total: 250 },
    'ready',
  ])
  const events = ann.events.filter(({ name }) => name === 'progress').map(({ detail }) => detail)
  expect(events).toEqual(
    told.slice(0, 3).map(progress => ({ ...(progress as Progress), query: everyOne('todos') })),
  )
  const again: Progress[] = []
  await ann.sync.subscribe(everyOne('todos'), { onProgress: progress => again.push(progress) }).ready
  expect(again).toEqual([])
})

test('[SUB-1] of an empty query one progress is told; a listener that throws disturbs nobody', async () => {
  const rig = rigWith(0)
  const ann = await rig.client()
  const told: Progress[] = []
  const angry = ann.sync.subscribe(everyOne('todos'), {
    onProgress() {
      throw new Error('no')
    },
  })
  const calm = ann.sync.subscribe(everyOne('todos'), { onProgress: progress => told.push(progress) })
  await rig.pass()
  await Promise.all([angry.ready, calm.ready])
  expect(told).toEqual([{ collection: 'todos', done: 0, total: 0 }])
  expect(ann.namesOf('error')).toEqual([])
})

test('[SUB-2] what is not here yet is listed with how much of it came, a refused query not', async () => {
  const rig = rigWith(250)
  rig.server.mayFollow = ({ collection }) => (collection === 'secrets' ? 'no' : undefined)
  const ann = await rig.client()
  const query = everyOne('todos')
  ann.network.fate = frame => (frame.includes('"last":true') ? 'drop' : 'deliver')
  void ann.sync.subscribe(query)
  void ann.sync.subscribe(everyOne('secrets'))
  expect(ann.sync.arriving).toEqual([
    { collection: 'todos', query, done: 0, total: undefined },
    { collection: 'secrets', query: everyOne('secrets'), done: 0, total: undefined },
  ])
  await rig.pass()
  expect(ann.sync.arriving).toEqual([{ collection: 'todos', query, done: 200, total: 250 }])
})

/** What the client said about urgency, in order. */
function urgency(client: TestClient): string[] {
  const said: string[] = []
  client.network.fate = frame => {
    const message = JSON.parse(frame)
    if (message.type === 'subscribe') said.push(`${message.query.collection} ${message.priority ?? 'unsaid'}`)
    if (message.type === 'prioritise') said.push(`${message.id} ${message.priority}`)
    if (message.type === 'hello')
      said.push(...message.subscriptions.map((each: { priority?: string }) => `hello ${each.priority}`))
    return message.type === 'snapshot' ? 'drop' : 'deliver'
  }
  return said
}

test('[SUB-3] reads and watches are high, subscribe is normal or what it says', async () => {
  const rig = rigWith(1)
  const ann = await rig.client()
  const said = urgency(ann)
  void ann.sync.executor.run({ verb: 'get', query: everyOne('read') })
  ann.sync.executor.watch(everyOne('watched'), { next: () => undefined, error: () => undefined })
  ann.sync.subscribe(everyOne('wanted'))
  ann.sync.subscribe(everyOne('later'), { priority: 'low' })
  await rig.pass()
  expect(said).toEqual(['watched high', 'wanted unsaid', 'later low', 'read high'])
  expect(rig.server.violations).toEqual([])
})

test('[SUB-3] the most urgent of those who want a query counts, while it is to come', async () => {
  const rig = rigWith(1)
  const ann = await rig.client({ isStarted: false })
  const said = urgency(ann)
  const query = everyOne('todos')
  ann.sync.subscribe(query, { priority: 'low' })
  ann.sync.start()
  await rig.pass()
  const watch = ann.sync.executor.watch(query, { next: () => undefined, error: () => undefined })
  const normal = ann.sync.subscribe(query)
  await watch.close()
  normal.close()
  await rig.pass()
  expect(said).toEqual(['hello low', '1 high', '1 normal', '1 low'])
  ann.network.fate = () => 'deliver'
  ann.network.cut()
  await rig.pass(1_000)
  expect(ann.sync.arriving).toEqual([])
  const quiet = urgency(ann)
  ann.sync.executor.watch(query, { next: () => undefined, error: () => undefined })
  await rig.pass()
  expect(quiet).toEqual([])
  expect(rig.server.violations).toEqual([])
})

/** Ids in the snapshots that arrive, in order; from the parts numbered in `cuts` on nothing arrives until the next hello. */
function arrivals(client: TestClient, cuts: readonly number[]): unknown[] {
  const ids: unknown[] = []
  let parts = 0
  let isCut = false
  client.network.fate = (frame, direction) => {
    if (frame.includes('"type":"hello"')) isCut = false
    if (direction === 'up') return 'deliver'
    const isPart = frame.includes('"type":"snapshot"')
    if (isPart && !isCut) isCut = cuts.includes(++parts)
    if (isCut) return 'drop'
    if (isPart) for (const [, , document] of JSON.parse(frame).items) ids.push(document._id)
    return 'deliver'
  }
  return ids
}

/** The connection breaks whenever nothing arrives, until everything is here. */
async function carryOn(rig: TestRig, client: TestClient): Promise<void> {
  await rig.pass()
  for (let i = 0; i < 10 && client.sync.arriving.length > 0; i++) {
    client.network.cut()
    await rig.pass(2_000)
  }
  expect(client.sync.arriving).toEqual([])
}

const idsOf = (rig: TestRig) =>
  rig.server
    .all('todos')
    .map(({ _id }) => String(_id))
    .sort()
const here = ({ store }: TestClient) =>
  [...store.confirmedDocuments()].map(({ document }) => String(document._id)).sort()

test('[SUB-4] a snapshot that is cut goes on where it was: no document comes twice', async () => {
  const rig = rigWith(100)
  rig.server.pageSize = 10
  const ann = await rig.client()
  const came = arrivals(ann, [1, 4, 5, 8, 14])
  const told: Progress[] = []
  ann.sync.subscribe(everyOne('todos'), { onProgress: progress => told.push(progress) })
  await carryOn(rig, ann)
  expect(came).toEqual(idsOf(rig))
  expect(here(ann)).toEqual(idsOf(rig))
  expect(told.map(({ done }) => done)).toEqual([10, 20, 30, 40, 50, 60, 70, 80, 90, 100])
  expect(new Set(told.map(({ total }) => total))).toEqual(new Set([100]))
  expect(rig.server.violations).toEqual([])
})

test('[SUB-4] what happens meanwhile to what came, and to what did not, is here in the end', async () => {
  for (let cut = 2; cut <= 10; cut++) {
    const rig = rigWith(100)
    rig.server.pageSize = 10
    const ann = await rig.client()
    const came = arrivals(ann, [cut])
    const query = everyOne('todos', ['field', 'n', ['lt', 200]])
    ann.sync.subscribe(query)
    await rig.pass()
    expect(came).toHaveLength((cut - 1) * 10)
    for (const id of ['t005', 't095']) rig.server.remove('todos', id)
    for (const id of ['t0071', 't0961']) rig.server.put('todos', { _id: id, n: 1 })
    for (const id of ['t003', 't093']) rig.server.put('todos', { _id: id, n: -1 })
    for (const id of ['t004', 't094']) rig.server.put('todos', { _id: id, n: 1_000 })
    await carryOn(rig, ann)
    const { documents } = ann.store.run({ verb: 'get', query })
    expect(documents).toEqual(rig.server.find(query, 'anyone'))
    for (const id of ['t003', 't093', 't0071'])
      expect(ann.store.get('todos', id)).toEqual(rig.server.get('todos', id))
    expect(came.length).toBeLessThanOrEqual(101)
  }
})

test('[SUB-4] it goes on after a restart', async () => {
  const rig = rigWith(100)
  rig.server.pageSize = 10
  const first = await rig.client()
  arrivals(first, [7])
  first.sync.subscribe(everyOne('todos'))
  await rig.pass()
  await first.stop()
  rig.server.remove('todos', 't010')
  rig.server.put('todos', { _id: 't0101', n: 1 })
  const again = await rig.client({ medium: first.medium, isStarted: false })
  expect(here(again)).toHaveLength(60)
  const came = arrivals(again, [])
  again.sync.subscribe(everyOne('todos'))
  again.sync.start()
  await carryOn(rig, again)
  expect(came).toEqual(idsOf(rig).slice(60))
  expect(here(again)).toEqual(idsOf(rig))
})

test('[SUB-4] a snapshot that replaces goes on too, and still replaces in one step', async () => {
  const rig = rigWith(100)
  rig.server.pageSize = 10
  const ann = await rig.client({ compareFrom: Number.POSITIVE_INFINITY })
  ann.sync.subscribe(everyOne('todos'))
  await rig.pass()
  rig.server.viewKey = 'view-2'
  rig.server.mayRead = (_openid, _collection, { n }) => Number(n) % 2 === 0
  const came = arrivals(ann, [3])
  ann.network.cut()
  await rig.pass(2_000)
  expect(came).toHaveLength(20)
  expect(here(ann)).toHaveLength(100)
  rig.server.remove('todos', 't002')
  rig.server.put('todos', { _id: 't003', n: 4 })
  await carryOn(rig, ann)
  expect(came).toHaveLength(50)
  expect(here(ann)).toEqual(rig.server.find(everyOne('todos'), 'anyone').map(({ _id }) => _id))
})

test('[SUB-4] when the copy cannot be resumed it begins from the start', async () => {
  const rig = rigWith(100)
  rig.server.pageSize = 10
  const ann = await rig.client()
  arrivals(ann, [6])
  ann.sync.subscribe(everyOne('todos'))
  await rig.pass()
  rig.server.viewKey = 'view-2'
  rig.server.mayRead = (_openid, _collection, { n }) => Number(n) > 20
  const came = arrivals(ann, [])
  await carryOn(rig, ann)
  expect(came).toHaveLength(79)
  expect(here(ann)).toEqual(rig.server.find(everyOne('todos'), 'anyone').map(({ _id }) => _id))
})

test('[SUB-4] a part that storage refused comes again', async () => {
  for (let step = 1; step <= 14; step++) {
    const rig = rigWith(50)
    rig.server.pageSize = 10
    const ann = await rig.client()
    ann.medium.faultAt(step, 'fail')
    ann.sync.subscribe(everyOne('todos'))
    await rig.pass()
    ann.medium.clearFault()
    await carryOn(rig, ann)
    expect(here(ann)).toEqual(idsOf(rig))
    await ann.stop()
    const again = await rig.client({ medium: ann.medium })
    expect(here(again)).toEqual(idsOf(rig))
    await again.stop()
  }
})
