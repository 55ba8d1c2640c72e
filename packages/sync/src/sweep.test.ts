import { expect, onTestFinished, test, vi } from 'vitest'
import { everyOne, TestRig } from './testing/index.ts'

const everyMs = 300_000

test('[CACHE-3] what looks is loaded apart: where it cannot be, nothing is dropped, and it is tried again the next time', async () => {
  let isFetched = false
  vi.doMock('./sweep.ts', original => {
    if (!isFetched) throw new TypeError('Failed to fetch dynamically imported module')
    return original()
  })
  onTestFinished(() => void vi.doUnmock('./sweep.ts'))
  const rig = new TestRig()
  for (const _id of ['a', 'b']) rig.server.put('todos', { _id })
  const ann = await rig.client({ cache: { maxDocuments: 0 } })
  const subscription = ann.sync.subscribe(everyOne('todos'))
  await rig.pass()
  subscription.close()
  await rig.pass(everyMs)
  expect([...ann.store.confirmedDocuments()]).toHaveLength(2)
  isFetched = true
  await vi.waitFor(async () => {
    await rig.pass(everyMs)
    expect([...ann.store.confirmedDocuments()]).toEqual([])
  }, 30_000)
  expect(ann.events).toContainEqual({ name: 'evicted', detail: { collection: 'todos', count: 2 } })
  expect(ann.events.filter(({ name }) => name === 'error')).toEqual([])
})
