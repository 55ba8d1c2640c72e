import type { Progress } from '@nearcloud/query'
import { expect, test } from 'vitest'
import { everyOne, TestRig } from './testing/index.ts'

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
