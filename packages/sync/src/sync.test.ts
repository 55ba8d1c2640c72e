import { settle } from '@nearcloud/store/testing'
import { expect, test } from 'vitest'
import { everyOne, TestRig } from './testing/index.ts'

const todo = (id: string, data: { [key: string]: string | number | boolean }) =>
  ({ op: 'add', collection: 'todos', id, data }) as const

test('a write made by one client is seen by another', async () => {
  const rig = new TestRig()
  const [ann, bob] = [await rig.client(), await rig.client()]
  const ready = bob.sync.subscribe(everyOne('todos')).ready
  await settle()
  await ready
  await ann.sync.executor.commit({ writes: [todo('1', { text: 'tea' })] })
  await settle()
  expect(bob.store.get('todos', '1')).toEqual({ _id: '1', text: 'tea' })
  expect(ann.store.outbox.size).toBe(0)
  await ann.sync.whenSynced()
  expect(rig.server.violations).toEqual([])
  expect(ann.namesOf('pending', 'accepted', 'rejected', 'online', 'error')).toEqual([
    'online',
    'pending',
    'accepted',
  ])
})
