import { expect, test, vi } from 'vitest'
import { everyOne, TestRig } from './testing/index.ts'

const page = vi.hoisted(() => ({ canFetch: false }))

vi.mock('./mend.ts', async original => {
  const real = await original<typeof import('./mend.ts')>()
  return {
    ...real,
    get mend() {
      if (!page.canFetch) throw new Error('404')
      return real.mend
    },
  }
})

test('[DIVERGE-4] where what mends a copy cannot be fetched that is told, and the copy is mended when it can be', async () => {
  const rig = new TestRig()
  for (let i = 0; i < 3; i++) rig.server.put('todos', { _id: `t${i}` })
  const ann = await rig.client({ checkMs: 1_000 })
  ann.sync.subscribe(everyOne('todos'))
  await rig.pass()
  await ann.store.confirm({ gone: [{ collection: 'todos', version: 99, id: 't1' }] })
  await rig.pass(1_500)
  const error = expect.objectContaining({
    name: 'error',
    detail: expect.objectContaining({ cause: Error('404') }),
  })
  expect(ann.events).toContainEqual(error)
  expect(ann.namesOf('diverged')).toEqual([])
  await ann.sync.executor.commit({ writes: [{ op: 'add', collection: 'todos', id: 'mine', data: {} }] })
  await rig.pass(60_000)
  expect(rig.server.get('todos', 'mine')).toBeDefined()
  expect(ann.namesOf('online').length).toBeGreaterThan(1)

  page.canFetch = true
  for (let turn = 0; turn < 5; turn++) await rig.pass(60_000)
  expect(ann.store.get('todos', 't1')).toEqual({ _id: 't1' })
  expect(ann.namesOf('diverged')).toEqual(['diverged'])
})
