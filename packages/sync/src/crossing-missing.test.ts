import { expect, test, vi } from 'vitest'
import { everyOne, TestRig } from './testing/index.ts'

// as a file that a page cannot fetch any more
vi.mock('./crossing.ts', () => ({
  get Crossing() {
    throw new Error('404')
  },
}))

test('[CROSS-5] where what keeps it apart cannot be fetched each query is shown when it is complete, and that is told', async () => {
  const rig = new TestRig()
  for (const kind of ['todos', 'notes']) rig.server.put(kind, { _id: '1', n: 0 })
  const ann = await rig.client()
  for (const kind of ['todos', 'notes']) ann.sync.subscribe(everyOne(kind))
  await rig.pass(1_000)
  ann.sync.goOffline()
  await rig.pass()
  rig.server.viewKey = 'view-2'
  for (const kind of ['todos', 'notes']) rig.server.put(kind, { _id: '1', n: 1 })
  const seen: string[] = []
  const next = () => seen.push(`${ann.store.get('todos', '1')?.n} ${ann.store.get('notes', '1')?.n}`)
  for (const kind of ['todos', 'notes'])
    ann.sync.executor.watch(everyOne(kind), { next, error: () => undefined })
  await rig.pass()
  ann.sync.goOnline()
  for (let turn = 0; turn < 4; turn++) await rig.pass(1_000)
  expect([...new Set(seen)]).toEqual(['0 0', '1 0', '1 1'])
  expect(ann.namesOf('error').length).toBe(1)
  expect(ann.sync.arriving).toEqual([])
})
