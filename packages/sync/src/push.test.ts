import { type Item, limits, parseUp, type UpOf } from '@nearcloud/protocol'
import { settle } from '@nearcloud/store/testing'
import { expect, test } from 'vitest'
import { everyOne, TestRig } from './testing/index.ts'

const add = (id: string, data: { [key: string]: string | number } = {}) =>
  ({ op: 'add', collection: 'todos', id, data }) as const
const inc = (id: string, by: number) =>
  ({ op: 'update', collection: 'todos', id, changes: [['n', 'inc', by]] }) as const

test('[PUSH-1] a write is durable and visible here at once, and reaches everybody', async () => {
  const rig = new TestRig()
  const [ann, bob] = [await rig.client(), await rig.client()]
  void bob.sync.subscribe(everyOne('todos'))
  const committed = await ann.sync.executor.commit({ writes: [add('1', { text: 'tea' })] })
  expect(committed).toMatchObject({
    ids: ['1'],
    created: 1,
    updated: 0,
    removed: 0,
    pending: true,
    mutationId: 1,
  })
  expect(ann.store.get('todos', '1')).toEqual({ _id: '1', _openid: 'user-1', text: 'tea' })
  await rig.pass()
  expect(bob.store.get('todos', '1')).toEqual({ _id: '1', _openid: 'user-1', text: 'tea' })
  expect(ann.store.outbox.size).toBe(0)
  expect(ann.namesOf('pending', 'accepted', 'rejected')).toEqual(['pending', 'accepted'])
})

test('[PUSH-2] frames hold 100 mutations or 64 KB, and four of them go unanswered', async () => {
  const rig = new TestRig()
  const ann = await rig.client()
  ann.sync.goOffline()
  await settle()
  for (let i = 0; i < 650; i++) await ann.sync.executor.commit({ writes: [add(`s${i}`)] })
  const text = 'x'.repeat(40_000)
  for (let i = 0; i < 5; i++) await ann.sync.executor.commit({ writes: [add(`l${i}`, { text })] })
  const frames: UpOf<'push'>['mutations'][] = []
  let unanswered = 0
  let most = 0
  ann.network.fate = frame => {
    if (frame.includes('"type":"push"')) {
      const message = parseUp(frame) as UpOf<'push'>
      frames.push(message.mutations)
      most = Math.max(most, ++unanswered)
    }
    if (frame.includes('"type":"pushed"')) unanswered--
    return 'deliver'
  }
  ann.sync.goOnline()
  await rig.pass()
  expect(frames.flat().map(mutation => mutation.id)).toEqual(Array.from({ length: 655 }, (_, i) => i + 1))
  for (const mutations of frames) {
    expect(mutations.length).toBeLessThanOrEqual(limits.pushMutations)
    expect(mutations.length === 1 || JSON.stringify(mutations).length <= limits.pushBytes + 200).toBe(true)
  }
  expect(most).toBe(4)
  expect(rig.server.executed).toHaveLength(655)
})

test('[PUSH-3] an accepted edit stays on top until its effect is here', async () => {
  const rig = new TestRig()
  rig.server.put('todos', { _id: '1', n: 1 })
  const ann = await rig.client()
  void ann.sync.subscribe(everyOne('todos'))
  await rig.pass()
  const seen: unknown[] = []
  ann.sync.executor.watch(everyOne('todos'), {
    next: ({ docs }) => seen.push(docs[0]?.n),
    error: () => undefined,
  })
  await settle()
  await ann.sync.executor.commit({ writes: [inc('1', 1)] })
  await rig.pass()
  await ann.sync.executor.commit({ writes: [inc('1', 1)] })
  await rig.pass()
  expect(seen).toEqual([1, 2, 3])
})

test('[PUSH-16] what an accepted mutation removed stays away, also where the server had nothing any more to remove', async () => {
  const rig = new TestRig()
  const ann = await rig.client()
  await ann.sync.executor.commit({ writes: [add('1', { n: 1 })] })
  await rig.pass()
  rig.server.remove('todos', '1')
  await rig.pass()
  expect(ann.store.get('todos', '1')).toMatchObject({ n: 1 }) // no query follows it
  ann.sync.goOffline()
  await ann.sync.executor.commit({ writes: [{ op: 'remove', collection: 'todos', id: '1' }] })
  await ann.sync.executor.commit({ writes: [inc('1', 1)] }) // of what is not there: touches nothing
  ann.sync.goOnline()
  await rig.pass()
  expect(ann.store.outbox.size).toBe(0)
  expect(ann.store.get('todos', '1')).toBeUndefined()
})

test('[PUSH-16] nor does it come back by what is told with it of before', async () => {
  const rig = new TestRig()
  const ann = await rig.client()
  await rig.pass()
  ann.network.fate = frame => (frame.includes('"push"') ? 'lose' : 'deliver')
  await ann.sync.executor.commit({ writes: [add('1', { n: 1 })] })
  await ann.sync.executor.commit({ writes: [{ op: 'remove', collection: 'todos', id: '1' }] })
  await rig.pass()
  const [session] = rig.server.sessions
  const outcomes = [1, 2].map(id => ({ id, status: 'accepted' as const, version: id * 2 }))
  session!.say({ type: 'pushed', outcomes })
  // somebody removed it at 3: of the second mutation there is nothing to tell
  const items: Item[] = [['todos', 2, { _id: '1', n: 1 }]]
  session!.say({ type: 'changes', from: 0, to: 4, lastMutation: 2, items })
  await rig.pass()
  expect(ann.store.outbox.size).toBe(0)
  expect(ann.store.get('todos', '1')).toBeUndefined()
})

test('[PUSH-16] what is made anew after a removal, by the same mutation or a later one, is there', async () => {
  const rig = new TestRig()
  const ann = await rig.client()
  await ann.sync.executor.commit({ writes: [add('1', { n: 1 }), add('2', { n: 1 })] })
  await rig.pass()
  ann.sync.goOffline()
  const remove = (id: string) => ({ op: 'remove', collection: 'todos', id }) as const
  await ann.sync.executor.commit({ writes: [remove('1'), add('1', { n: 2 }), remove('2')] })
  await ann.sync.executor.commit({ writes: [add('2', { n: 2 })] })
  ann.sync.goOnline()
  await rig.pass()
  expect(ann.store.outbox.size).toBe(0)
  expect(['1', '2'].map(id => ann.store.get('todos', id)?.n)).toEqual([2, 2])
})

test('[PUSH-4] a refused edit goes back, and later edits stay', async () => {
  const rig = new TestRig()
  rig.server.judge = write => (write.op === 'update' && write.id === '1' ? 'not yours' : undefined)
  rig.server.put('todos', { _id: '1', n: 0 })
  const ann = await rig.client()
  void ann.sync.subscribe(everyOne('todos'))
  await rig.pass()
  await ann.sync.executor.commit({ writes: [add('0', { n: 0 })] })
  await ann.sync.executor.commit({ writes: [inc('1', 5)] })
  await ann.sync.executor.commit({ writes: [inc('0', 7)] })
  await rig.pass()
  expect(ann.store.get('todos', '1')).toEqual({ _id: '1', n: 0 })
  expect(ann.store.get('todos', '0')).toEqual({ _id: '0', _openid: 'user-1', n: 7 })
  expect(ann.store.outbox.size).toBe(0)
  expect(ann.store.rejected.map(each => [each.mutation.id, each.code, each.reason, each.details])).toEqual([
    [2, 'DATABASE_PERMISSION_DENIED', 'not yours', { rule: 'test' }],
  ])
  expect(ann.namesOf('accepted', 'rejected').sort()).toEqual(['accepted', 'accepted', 'rejected'])
  expect(ann.events.find(event => event.name === 'rejected')?.detail).toMatchObject({
    id: 2,
    code: 'DATABASE_PERMISSION_DENIED',
    reason: 'not yours',
    mutation: { id: 2 },
  })
})

test('[PUSH-5] an answer that is lost is asked for again, and counts once', async () => {
  const rig = new TestRig()
  rig.server.put('todos', { _id: '1', n: 0 })
  const ann = await rig.client()
  ann.network.fate = frame => (frame.includes('"type":"pushed"') ? 'cut' : 'deliver')
  await ann.sync.executor.commit({ writes: [inc('1', 1)] })
  await settle()
  expect(rig.server.get('todos', '1')).toEqual({ _id: '1', n: 1 })
  expect(ann.store.outbox.size).toBe(1)
  ann.network.fate = undefined
  await rig.pass(1_000)
  expect(rig.server.get('todos', '1')).toEqual({ _id: '1', n: 1 })
  expect(ann.store.outbox.size).toBe(0)
  expect(ann.namesOf('accepted', 'rejected')).toEqual(['accepted'])
})

test('[PUSH-5] a refusal whose answer is lost is told at the next greeting, once', async () => {
  const rig = new TestRig()
  rig.server.judge = () => 'never'
  const ann = await rig.client()
  ann.network.fate = frame => (frame.includes('"type":"pushed"') ? 'cut' : 'deliver')
  await ann.sync.executor.commit({ writes: [add('1')] })
  await settle()
  ann.network.fate = undefined
  await rig.pass(1_000)
  await ann.sync.executor.commit({ writes: [add('2')] })
  await rig.pass(1_000)
  expect(ann.namesOf('accepted', 'rejected')).toEqual(['rejected', 'rejected'])
  expect(ann.store.rejected.map(each => each.mutation.id)).toEqual([1, 2])
})

test('[PUSH-6] what a newer edit had overtaken is named', async () => {
  const rig = new TestRig()
  rig.server.put('todos', { _id: '1', title: 'a' })
  const [ann, bob] = [await rig.client(), await rig.client()]
  for (const client of [ann, bob]) void client.sync.subscribe(everyOne('todos'))
  await rig.pass()
  const setTitle = (title: string) =>
    ({
      writes: [{ op: 'update', collection: 'todos', id: '1', changes: [['title', 'set', title]] }],
    }) as const
  ann.sync.goOffline()
  await rig.pass()
  await ann.sync.executor.commit(setTitle('older'))
  await rig.pass(5_000)
  await bob.sync.executor.commit(setTitle('newer'))
  await rig.pass()
  ann.sync.goOnline()
  await rig.pass()
  expect(ann.store.get('todos', '1')).toEqual({ _id: '1', title: 'newer' })
  expect(ann.events.find(event => event.name === 'accepted')?.detail).toMatchObject({
    id: 1,
    superseded: ['todos/1/title'],
  })
})

test('[PUSH-7] the time of an edit is the server’s as it was estimated, and never goes back', async () => {
  const rig = new TestRig()
  const ann = await rig.client()
  const serverTime = rig.clock.now()
  await ann.sync.executor.commit({ writes: [add('1')] })
  rig.clock.set(serverTime - 3_600_000)
  await ann.sync.executor.commit({ writes: [add('2')] })
  await rig.pass()
  const times = rig.server.executed.map(({ mutation }) => mutation.time)
  expect(times).toEqual([serverTime, serverTime])
})

test('[PUSH-7] a clock that is wrong is corrected at the greeting', async () => {
  const rig = new TestRig()
  const ann = await rig.client({ clockSkewMs: 10_000_000 })
  await ann.sync.executor.commit({ writes: [add('1')] })
  await rig.pass()
  expect(rig.server.executed[0]!.mutation.time).toBe(rig.clock.now())
})

test('[PUSH-8] a batch is one mutation, decided all or nothing', async () => {
  const rig = new TestRig()
  for (const id of ['1', '2', '3']) rig.server.put('todos', { _id: id, n: 0 })
  rig.server.judge = write => (write.id === '3' ? 'not the third' : undefined)
  const ann = await rig.client()
  void ann.sync.subscribe(everyOne('todos'))
  await rig.pass()
  const committed = await ann.sync.executor.commit({
    target: everyOne('todos'),
    first: false,
    change: [['n', 'inc', 1]],
  })
  expect(committed).toMatchObject({ updated: 3, ids: ['1', '2', '3'] })
  expect(ann.store.get('todos', '1')).toMatchObject({ n: 1 })
  await rig.pass()
  for (const id of ['1', '2', '3']) expect(ann.store.get('todos', id)).toMatchObject({ n: 0 })
})

test('[PUSH-9] what no frame can carry is refused before anything is written', async () => {
  const rig = new TestRig()
  const ann = await rig.client()
  const text = 'x'.repeat(900_000)
  const writes = Array.from({ length: 10 }, (_, i) => add(`${i}`, { text }))
  await expect(ann.sync.executor.commit({ writes })).rejects.toMatchObject({ code: 'INVALID_PARAM' })
  expect(ann.store.outbox.size).toBe(0)
})

test.each(['STORE_FULL', 'STORE_FAILED'] as const)(
  '[PUSH-15] while the server cannot store (%s) it is read from, and every few seconds asked again',
  async code => {
    const rig = new TestRig()
    const ann = await rig.client()
    rig.server.storeFailure = { code, errMsg: 'no space' }
    rig.server.put('notes', { _id: 'n', text: 'tea' })
    await ann.sync.executor.commit({ writes: [add('1')] })
    await rig.pass(2_000)
    expect(ann.events.filter(({ name }) => name === 'error').map(({ detail }) => detail)).toMatchObject([
      { code },
    ])
    expect(ann.sync.state).toBe('online')
    // what was never here is read, and watched
    const seen: number[] = []
    ann.sync.executor.watch(everyOne('notes'), {
      next: ({ docs }) => seen.push(docs.length),
      error: () => {},
    })
    rig.server.put('notes', { _id: 'm', text: 'milk' })
    await rig.pass(1_000)
    expect(seen.at(-1)).toBe(2)
    expect(ann.events.filter(({ name }) => name === 'error')).toHaveLength(1)
    await rig.pass(60_000)
    const failures = ann.events.filter(({ name }) => name === 'error').length
    expect(failures).toBeGreaterThan(5)
    expect(failures).toBeLessThan(14)
    expect(ann.store.outbox.size).toBe(1)
    rig.server.storeFailure = undefined
    await rig.pass(40_000)
    expect(ann.store.outbox.size).toBe(0)
    expect(rig.server.get('todos', '1')).toMatchObject({ _id: '1' })
    expect(ann.namesOf('rejected')).toEqual([])
  },
)

test('[PUSH-15] as long as that lasts, who has nothing else to hear is away for little more than a second at a time', async () => {
  const rig = new TestRig()
  const ann = await rig.client()
  ann.sync.subscribe(everyOne('notes'))
  await rig.pass()
  rig.server.storeFailure = { code: 'STORE_FULL', errMsg: 'no space' }
  await ann.sync.executor.commit({ writes: [add('1')] })
  let [away, longest] = [0, 0]
  for (let ms = 0; ms < 600_000; ms += 100) {
    await rig.pass(100)
    away = ann.sync.state === 'online' ? 0 : away + 100
    longest = Math.max(longest, away)
  }
  expect(longest).toBeLessThan(1_400)
  // nor is the server asked the more for it
  expect(ann.namesOf('error').length).toBeLessThan(50)
})

test('[PUSH-15] so is one who was without a server for long before', async () => {
  const rig = new TestRig()
  const ann = await rig.client()
  ann.network.isUp = false
  ann.sync.doubt()
  await ann.sync.executor.commit({ writes: [add('1')] })
  await rig.pass(10 * 60_000)
  rig.server.storeFailure = { code: 'STORE_FAILED', errMsg: 'a sync failed' }
  ann.network.isUp = true
  const told = () => ann.namesOf('error').length > 0
  for (let ms = 0; ms < 40_000 && !told(); ms += 100) await rig.pass(100)
  expect(told()).toBe(true)
  await rig.pass(1_300)
  expect(ann.sync.state).toBe('online')
})

test('[PUSH-15] goOnline asks at once, as when nothing had failed', async () => {
  const rig = new TestRig()
  const ann = await rig.client()
  rig.server.storeFailure = { code: 'STORE_FULL', errMsg: 'no space' }
  await ann.sync.executor.commit({ writes: [add('1')] })
  await rig.pass(10 * 60_000)
  rig.server.storeFailure = undefined
  while (ann.sync.state !== 'online') await rig.pass(100)
  ann.sync.goOnline()
  await rig.pass()
  expect(ann.store.outbox.size).toBe(0)
})

test('[PUSH-15] a device that nobody knows yet, and cannot be remembered, asks less and less often', async () => {
  const rig = new TestRig()
  const ann = await rig.client({ isStarted: false })
  rig.server.storeFailure = { code: 'STORE_FULL', errMsg: 'no space' }
  ann.sync.start()
  await rig.pass(10 * 60_000)
  expect(ann.network.attempts).toBeGreaterThan(20)
  expect(ann.network.attempts).toBeLessThan(80)
})
