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
