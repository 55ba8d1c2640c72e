import { settle } from '@nearcloud/store/testing'
import { expect, test } from 'vitest'
import { everyOne, type TestClient, TestRig } from './testing/index.ts'

const add = (id: string) => ({ op: 'add', collection: 'todos', id, data: {} }) as const
const setTitle = (title: string) =>
  ({ op: 'update', collection: 'todos', id: '1', changes: [['title', 'set', title]] }) as const

/** A write that waits for the server, and what has become of it: `waiting`, the result or the error. */
function waited({ sync }: TestClient, write: ReturnType<typeof add> | ReturnType<typeof setTitle>) {
  const told: { of: unknown } = { of: 'waiting' }
  const tell = (what: unknown) => {
    told.of = what
  }
  sync.executor.commit({ writes: [write], wait: 'server' }).then(tell, tell)
  return told
}

test('[PUSH-11] who waits for the server hears that it accepted, when the effect is here', async () => {
  const rig = new TestRig()
  const ann = await rig.client()
  ann.sync.goOffline()
  await settle()
  const told = waited(ann, add('1'))
  await rig.pass(3_600_000)
  expect(ann.store.get('todos', '1')).toBeDefined()
  expect(told.of).toBe('waiting')
  ann.sync.goOnline()
  await rig.pass()
  expect(told.of).toEqual({ ids: ['1'], created: 1, updated: 0, removed: 0, pending: false, mutationId: 1 })
  expect(ann.store.outbox.size).toBe(0)
})

test('[PUSH-11] a result names what a newer edit had overtaken', async () => {
  const rig = new TestRig()
  rig.server.put('todos', { _id: '1', title: 'a' })
  const [ann, bob] = [await rig.client(), await rig.client()]
  for (const client of [ann, bob]) void client.sync.subscribe(everyOne('todos'))
  await rig.pass()
  ann.sync.goOffline()
  await rig.pass()
  const older = waited(ann, setTitle('older'))
  await rig.pass(5_000)
  const newer = waited(bob, setTitle('newer'))
  await rig.pass()
  ann.sync.goOnline()
  await rig.pass()
  expect(older.of).toMatchObject({ updated: 1, pending: false, superseded: ['todos/1/title'] })
  expect(newer.of).not.toHaveProperty('superseded')
})

test('[PUSH-11] an update counts what the server found: not what was removed there, and what was not here', async () => {
  const rig = new TestRig()
  rig.server.put('todos', { _id: '1', title: 'a' })
  const [ann, bob] = [await rig.client(), await rig.client()]
  void ann.sync.subscribe(everyOne('todos'))
  await rig.pass()
  // bob follows nothing
  const there = waited(bob, setTitle('there'))
  await rig.pass()
  expect(there.of).toMatchObject({ ids: ['1'], updated: 1, created: 0 })
  ann.sync.goOffline()
  await settle()
  const told: unknown[] = []
  ann.sync.on('accepted', ({ superseded }) => told.push(...superseded))
  const gone = waited(ann, setTitle('gone'))
  rig.server.remove('todos', '1')
  ann.sync.goOnline()
  await rig.pass()
  expect(gone.of).toMatchObject({ ids: ['1'], updated: 0, removed: 0, superseded: ['todos/1'] })
  expect(told).toEqual(['todos/1'])
})

test('[PUSH-11] a refusal is the error, and the refused one is among the rejected by then', async () => {
  const rig = new TestRig()
  rig.server.judge = ({ id }) => (id === 'yes' ? undefined : 'not yours')
  const ann = await rig.client()
  const [no, yes] = [waited(ann, add('no')), waited(ann, add('yes'))]
  const listed = ann.sync.executor
    .commit({ writes: [add('neither')], wait: 'server' })
    .catch(() => ann.store.rejected.map(({ mutation }) => mutation.id))
  await rig.pass()
  const [{ mutation, time }] = ann.store.rejected as [(typeof ann.store.rejected)[number]]
  expect(no.of).toMatchObject({
    code: 'DATABASE_PERMISSION_DENIED',
    errMsg: 'not yours',
    details: { reason: 'not yours', rule: 'test', rejection: mutation.nonce, mutationId: 1 },
  })
  expect(time).toBe(rig.clock.now())
  expect(yes.of).toMatchObject({ pending: false })
  expect(await listed).toEqual([1, 3])
})

test('[PUSH-12] an answer that is lost is waited for, and so is a store’s that goes on as another client', async () => {
  const rig = new TestRig()
  rig.server.judge = ({ id }) => (id === 'no' ? 'never' : undefined)
  const ann = await rig.client()
  ann.network.fate = frame => (frame.includes('"type":"pushed"') ? 'cut' : 'deliver')
  const [accepted, refused] = [waited(ann, add('1')), waited(ann, add('no'))]
  await settle()
  expect([accepted.of, refused.of]).toEqual(['waiting', 'waiting'])
  ann.network.fate = undefined
  await rig.pass(1_000)
  expect(accepted.of).toMatchObject({ pending: false })
  expect(refused.of).toMatchObject({ details: { reason: 'never' } })

  ann.sync.goOffline()
  await settle()
  const { client } = ann.store.checkpoint
  const later = waited(ann, add('2'))
  await settle()
  rig.server.clients.get(client)!.lastMutation = 1 // it is an older state of itself
  ann.sync.goOnline()
  await rig.pass(60_000)
  expect(ann.store.checkpoint.client).not.toBe(client)
  expect(later.of).toMatchObject({ pending: false, mutationId: 1 })
})

test('[PUSH-12] what storage refuses is waited for no longer', async () => {
  const rig = new TestRig()
  const ann = await rig.client()
  ann.medium.faultAt(1, 'full')
  const told = waited(ann, add('1'))
  await rig.pass()
  expect(told.of).toMatchObject({ code: 'STORE_FULL' })
})

test('[PUSH-13] a stop says CLOSED to whoever waits, and whether the write is kept', async () => {
  const rig = new TestRig()
  const ann = await rig.client()
  ann.sync.goOffline()
  await settle()
  const told = waited(ann, add('1'))
  await settle()
  await ann.stop()
  await settle()
  expect(told.of).toMatchObject({ code: 'CLOSED', details: { isKept: true } })
  const again = await rig.client({ medium: ann.medium })
  await rig.pass()
  expect(rig.server.get('todos', '1')).toBeDefined()
  again.sync.goOffline()
  const gone = waited(again, add('2'))
  await settle()
  await again.sync.stop({ isKept: false })
  await settle()
  expect(gone.of).toMatchObject({ code: 'CLOSED', details: { isKept: false } })
})

test('[PUSH-14] a refused mutation is tried again with the writes of whoever asks, and sent', async () => {
  const rig = new TestRig()
  rig.server.judge = ({ id }) => (id === 'no' ? 'not yours' : undefined)
  const ann = await rig.client()
  await ann.sync.executor.commit({ writes: [add('no')] })
  await rig.pass()
  const { nonce } = ann.store.rejected[0]!.mutation
  const retried = ann.sync.retry(nonce, [add('yes')], 'server')
  await rig.pass()
  expect(await retried).toMatchObject({ ids: ['yes'], created: 1, pending: false, mutationId: 2 })
  expect([ann.store.rejected, ann.namesOf('pending')]).toEqual([[], ['pending', 'pending']])
  await expect(ann.sync.retry(nonce, [add('yes')])).rejects.toMatchObject({ code: 'INVALID_PARAM' })
  expect(rig.server.get('todos', 'yes')).toBeDefined()
  expect(ann.store.outbox.size).toBe(0)
})
