import { CloudError } from '@nearcloud/protocol'
import { settle } from '@nearcloud/store/testing'
import { expect, test } from 'vitest'
import { everyOne, TestRig } from './testing/index.ts'

const add = (id: string) => ({ op: 'add', collection: 'todos', id, data: {} }) as const

test('[CALL-1] a call comes after the writes made before it', async () => {
  const rig = new TestRig()
  rig.server.call = () => rig.server.all('todos').length
  const ann = await rig.client()
  for (let i = 0; i < 250; i++) void ann.sync.executor.commit({ writes: [add(`${i}`)] })
  const called = ann.sync.call('count', {})
  await rig.pass()
  expect(await called).toBe(250)
})

test('[CALL-2] data and result are values', async () => {
  const rig = new TestRig()
  rig.server.call = (name, data, openid) => [name, data, openid]
  const ann = await rig.client()
  const when = new Date(5)
  const called = ann.sync.call('echo', { when, bytes: Uint8Array.of(1, 2) })
  await rig.pass()
  expect(await called).toEqual(['echo', { when, bytes: Uint8Array.of(1, 2) }, 'user-1'])
})

test('[CALL-3] the error of a call is the server’s', async () => {
  const rig = new TestRig()
  rig.server.call = () => {
    throw new CloudError('FUNCTIONS_EXECUTE_FAIL', { errMsg: 'boom', details: { function: 'f' } })
  }
  const ann = await rig.client()
  const called = ann.sync.call('f', null)
  called.catch(() => undefined)
  await rig.pass()
  await expect(called).rejects.toMatchObject({
    code: 'FUNCTIONS_EXECUTE_FAIL',
    errCode: -504002,
    errMsg: 'boom',
    details: { function: 'f' },
  })
})

test('[CALL-4] without a connection a call fails at once, and is not kept', async () => {
  const rig = new TestRig()
  let calls = 0
  rig.server.call = () => ++calls
  const ann = await rig.client({ isStarted: false })
  await expect(ann.sync.call('f', null)).rejects.toMatchObject({ code: 'OFFLINE' })
  await expect(ann.sync.files({ verb: 'delete', files: [] })).rejects.toMatchObject({ code: 'OFFLINE' })
  ann.sync.start()
  await rig.pass(60_000)
  expect(calls).toBe(0)
})

test('[CALL-4] a call whose connection goes fails, and says whether it was sent', async () => {
  const rig = new TestRig()
  rig.server.call = () => 1
  const ann = await rig.client()
  ann.network.fate = frame => (frame.includes('"answer"') ? 'cut' : 'deliver')
  const sent = ann.sync.call('f', null)
  sent.catch(() => undefined)
  await settle()
  await expect(sent).rejects.toMatchObject({ code: 'OFFLINE', details: { sent: true } })
  await rig.pass(1_000)
  ann.network.fate = frame => (frame.includes('"pushed"') ? 'cut' : 'deliver')
  void ann.sync.executor.commit({ writes: [add('1')] })
  const behind = ann.sync.call('f', null)
  behind.catch(() => undefined)
  await settle()
  await expect(behind).rejects.toMatchObject({ code: 'OFFLINE', details: { sent: false } })
})

test('[CALL-7] a call does not wait for a write that storage refused', async () => {
  const rig = new TestRig()
  rig.server.call = () => 1
  const ann = await rig.client()
  ann.medium.faultAt(1, 'fail')
  const refused = ann.sync.executor.commit({ writes: [add('1')] })
  refused.catch(() => undefined)
  const called = ann.sync.call('f', null)
  await rig.pass()
  await expect(refused).rejects.toMatchObject({ code: 'STORE_FAILED' })
  expect(await called).toBe(1)
})

test('[CALL-5] an answer has a minute to come', async () => {
  const rig = new TestRig()
  const ann = await rig.client()
  ann.network.fate = frame => (frame.includes('"call"') ? 'drop' : 'deliver')
  const { waiting } = rig.clock
  const called = ann.sync.call('f', null)
  const ended = called.then(
    () => 'answered',
    error => error,
  )
  await rig.pass(59_999)
  let isOpen = true
  void ended.then(() => {
    isOpen = false
  })
  await settle()
  expect(isOpen).toBe(true)
  await rig.pass(1)
  expect(await ended).toMatchObject({ code: 'SERVER_TIMEOUT' })
  expect(rig.clock.waiting).toBe(waiting)
})

test('[CALL-6] what no frame can carry is refused', async () => {
  const rig = new TestRig()
  const ann = await rig.client()
  for (const data of ['x'.repeat(8_400_000), '字'.repeat(2_800_000)])
    await expect(ann.sync.call('f', data)).rejects.toMatchObject({ code: 'INVALID_PARAM' })
  expect(ann.sync.state).toBe('online')
})

test('[SYNC-1] whenSynced waits for the outbox, the subscriptions, and what the server had when asked', async () => {
  const rig = new TestRig()
  const [ann, bob] = [await rig.client(), await rig.client()]
  for (const client of [ann, bob]) void client.sync.subscribe(everyOne('todos'))
  bob.network.delayMs = 500
  await ann.sync.executor.commit({ writes: [add('1')] })
  const annSynced = ann.sync.whenSynced()
  await settle()
  await annSynced
  const bobSynced = bob.sync.whenSynced()
  await rig.pass(5_000)
  await bobSynced
  expect(bob.store.get('todos', '1')).toBeDefined()
})

test('[SYNC-1] whenSynced waits while offline', async () => {
  const rig = new TestRig()
  const ann = await rig.client()
  ann.sync.goOffline()
  await rig.pass()
  await ann.sync.executor.commit({ writes: [add('1')] })
  let isSynced = false
  const synced = ann.sync.whenSynced().then(() => {
    isSynced = true
  })
  await rig.pass(60_000)
  expect(isSynced).toBe(false)
  ann.sync.goOnline()
  await rig.pass()
  await synced
  expect(rig.server.all('todos')).toHaveLength(1)
})

test('[SYNC-2] a storage that refuses takes the write back, says so, and the conversation goes on', async () => {
  const rig = new TestRig()
  const ann = await rig.client()
  ann.medium.faultAt(1, 'full')
  await expect(ann.sync.executor.commit({ writes: [add('1')] })).rejects.toMatchObject({ code: 'STORE_FULL' })
  expect(ann.store.get('todos', '1')).toBeUndefined()
  expect(ann.namesOf('pending')).toEqual([])
  await ann.sync.executor.commit({ writes: [add('2')] })
  await rig.pass()
  expect(rig.server.all('todos')).toEqual([{ _id: '2', _openid: 'user-1' }])
})

test('[SYNC-2] a change that storage refuses is asked for again', async () => {
  const rig = new TestRig()
  const ann = await rig.client()
  void ann.sync.subscribe(everyOne('todos'))
  await rig.pass()
  ann.medium.faultAt(1, 'full')
  rig.server.put('todos', { _id: '1' })
  await settle()
  expect(ann.store.get('todos', '1')).toBeUndefined()
  expect(ann.events.find(event => event.name === 'error')?.detail).toMatchObject({ code: 'STORE_FULL' })
  await rig.pass(1_000)
  expect(ann.store.get('todos', '1')).toEqual({ _id: '1' })
})
