import { CloudError, type DownOf, protocolVersion } from '@nearcloud/protocol'
import { MemoryMedium, settle } from '@nearcloud/store/testing'
import { expect, test } from 'vitest'
import { forkStep } from './greeting.ts'
import { everyOne, TestRig } from './testing/index.ts'

const add = (id: string, data: { [key: string]: string | number } = {}) =>
  ({ op: 'add', collection: 'todos', id, data }) as const
const mine = everyOne('todos', ['field', 'by', ['eq', 'ann']])

test('[GREET-1] who a store is survives a restart', async () => {
  const rig = new TestRig()
  const ann = await rig.client()
  const { openid } = ann.sync
  expect(openid).toBe('user-1')
  expect(ann.sync.access).toBe('access-of-user-1')
  await ann.stop()
  const again = await rig.client({ medium: ann.medium })
  expect(again.sync.openid).toBe(openid)
  expect(again.sync.state).toBe('online')
  expect(rig.server.violations).toEqual([])
})

test('[GREET-2] a store that was offline is told what happened, and nothing else', async () => {
  const rig = new TestRig()
  for (let i = 0; i < 50; i++) rig.server.put('todos', { _id: `${i}`, n: 0 })
  const ann = await rig.client()
  void ann.sync.subscribe(everyOne('todos'))
  await rig.pass()
  ann.sync.goOffline()
  await rig.pass()
  rig.server.put('todos', { _id: '1', n: 1 })
  rig.server.remove('todos', '2')
  rig.server.put('todos', { _id: 'new', n: 2 })
  const items: unknown[] = []
  ann.network.fate = (frame, direction) => {
    if (direction === 'down' && frame.includes('"items"')) items.push(...JSON.parse(frame).items)
    return 'deliver'
  }
  ann.sync.goOnline()
  await rig.pass()
  expect(items).toHaveLength(3)
  expect(ann.store.get('todos', '1')).toEqual({ _id: '1', n: 1 })
  expect(ann.store.get('todos', '2')).toBeUndefined()
  expect(ann.store.get('todos', 'new')).toEqual({ _id: 'new', n: 2 })
})

test('[GREET-3] rights that changed replace the copy: what nobody verifies goes at once, the rest in one step', async () => {
  const rig = new TestRig()
  rig.server.pageSize = 3
  for (let i = 0; i < 10; i++) rig.server.put('todos', { _id: `a${i}`, by: 'ann' })
  for (let i = 0; i < 10; i++) rig.server.put('notes', { _id: `n${i}` })
  const ann = await rig.client({ warmMs: 1_000 })
  void ann.sync.subscribe(mine)
  const gotten = ann.sync.executor.run({ verb: 'get', query: everyOne('notes') })
  await rig.pass()
  expect((await gotten).documents).toHaveLength(10)
  await rig.pass(2_000) // nobody wants the notes any more
  expect(ann.store.get('notes', 'n1')).toBeDefined()

  const seen: number[] = []
  ann.sync.executor.watch(mine, { next: ({ docs }) => seen.push(docs.length), error: () => undefined })
  await settle()
  ann.sync.goOffline()
  await rig.pass()
  rig.server.viewKey = 'view-2'
  rig.server.mayRead = (_openid, _collection, { _id }) => !String(_id).endsWith('7')
  rig.server.put('todos', { _id: 'a99', by: 'ann' })
  ann.sync.goOnline()
  await rig.pass()
  expect(ann.store.get('notes', 'n1')).toBeUndefined()
  expect(ann.store.get('todos', 'a7')).toBeUndefined()
  expect(ann.store.get('todos', 'a99')).toBeDefined()
  expect(seen).toEqual([10, 10]) // one out, one in, in one step
})

test('[GREET-3] a connection that breaks in the middle of a replacement leaves the old copy until the next', async () => {
  const rig = new TestRig()
  rig.server.pageSize = 3
  for (let i = 0; i < 10; i++) rig.server.put('todos', { _id: `a${i}`, by: 'ann' })
  const ann = await rig.client()
  void ann.sync.subscribe(mine)
  await rig.pass()
  ann.sync.goOffline()
  await rig.pass()
  rig.server.viewKey = 'view-2'
  rig.server.mayRead = (_openid, _collection, { _id }) => _id !== 'a7'
  let parts = 0
  ann.network.fate = frame => (frame.includes('"snapshot"') && ++parts === 3 ? 'cut' : 'deliver')
  ann.sync.goOnline()
  await rig.pass(0)
  expect(ann.store.subscriptions.size).toBe(1)
  expect([...ann.store.subscriptions.values()][0]!.complete).toBe(false)
  expect(ann.store.run({ verb: 'get', query: mine }).documents).toHaveLength(10)
  ann.network.fate = undefined
  await rig.pass(1_000)
  expect(ann.store.run({ verb: 'get', query: mine }).documents).toHaveLength(9)
})

test('[GREET-3] what came in part for another view does not count, though the next conversation ends before it begins', async () => {
  const rig = new TestRig()
  rig.server.pageSize = 3
  for (let i = 0; i < 10; i++) rig.server.put('todos', { _id: `a${i}`, by: 'ann' })
  const ann = await rig.client()
  void ann.sync.subscribe(mine)
  await rig.pass()
  let parts = 0
  const dropsThird = (frame: string) => (frame.includes('"snapshot"') && ++parts === 3 ? 'drop' : 'deliver')
  const reconnect = async (viewKey: string, hidden: string, fate: typeof ann.network.fate) => {
    ann.sync.goOffline()
    await rig.pass()
    rig.server.viewKey = viewKey
    rig.server.mayRead = (_openid, _collection, { _id }) => _id !== hidden
    ann.network.fate = fate
    ann.sync.goOnline()
    await rig.pass(0)
  }
  await reconnect('view-2', 'a9', dropsThird) // a0 to a5 came
  // welcomed to a third view, it goes while that is being stored
  let resume = () => {}
  await reconnect('view-3', 'a1', frame => {
    if (!frame.includes('"welcome"')) return 'deliver'
    resume = ann.medium.pause()
    return 'deliver'
  })
  ann.sync.goOffline()
  await rig.pass(0)
  resume()
  await rig.pass()
  ann.network.fate = undefined
  ann.sync.goOnline()
  await rig.pass(1_000)
  const { documents } = ann.store.run({ verb: 'get', query: mine })
  expect(documents!.map(({ _id }) => _id)).toEqual(['a0', 'a2', 'a3', 'a4', 'a5', 'a6', 'a7', 'a8', 'a9'])
})

test('[GREET-4] another history counts whatever its versions are', async () => {
  const rig = new TestRig()
  for (let i = 0; i < 20; i++) rig.server.put('todos', { _id: '1', by: 'ann', n: i })
  rig.server.put('todos', { _id: '2', by: 'ann', n: 0 })
  const ann = await rig.client()
  void ann.sync.subscribe(mine)
  await rig.pass()
  expect(ann.store.confirmed('todos', '1')).toMatchObject({ version: 20 })
  const told: number[] = []
  ann.sync.executor.watch(mine, { next: ({ docs }) => told.push(docs.length), error: () => undefined })
  rig.server.restore('epoch-2', 3)
  rig.server.put('todos', { _id: '1', by: 'ann', n: -1 })
  rig.server.remove('todos', '2')
  await rig.pass(1_000)
  expect(ann.store.get('todos', '1')).toEqual({ _id: '1', by: 'ann', n: -1 })
  expect(ann.store.get('todos', '2')).toBeUndefined()
  expect(ann.store.confirmed('todos', '1')).toMatchObject({ version: 4 })
  expect(ann.store.checkpoint.epoch).toBe('epoch-2')
  expect(told).not.toContain(0)
})

test.each([1, 2, 3, 4, 5, 6, 7, 8])(
  '[GREET-4] killed at step %i on storage, it still knows that another history began',
  async step => {
    const rig = new TestRig()
    for (let i = 0; i < 20; i++) rig.server.put('todos', { _id: '1', by: 'ann', n: i })
    const ann = await rig.client()
    void ann.sync.subscribe(mine)
    await rig.pass()
    rig.server.restore('epoch-2', 3)
    rig.server.put('todos', { _id: '1', by: 'ann', n: -1 })
    ann.medium.faultAt(step, 'stop')
    await rig.pass(1_000)
    ann.network.cut()
    ann.medium.restart()
    const again = await rig.client({ medium: ann.medium })
    void again.sync.subscribe(mine)
    await rig.pass(1_000)
    expect(again.store.get('todos', '1')).toEqual({ _id: '1', by: 'ann', n: -1 })
  },
)

test('[GREET-5] a copy of a store becomes a client of its own: nothing undecided is lost, nothing doubled', async () => {
  const rig = new TestRig()
  const ann = await rig.client()
  await ann.sync.executor.commit({ writes: [add('before')] })
  await rig.pass()
  ann.sync.goOffline()
  await rig.pass()
  await ann.sync.executor.commit({ writes: [add('pending')] })
  const copy = copyOf(ann.medium)
  await ann.sync.executor.commit({ writes: [add('by the original')] })
  ann.sync.goOnline()
  await rig.pass()
  const { client } = ann.store.checkpoint

  const twin = await rig.client({
    medium: copy,
    isStarted: false,
    random: size => new Uint8Array(size).fill(9),
  })
  await twin.sync.executor.commit({ writes: [add('by the copy')] })
  await twin.sync.executor.commit({ writes: [add('by the copy, too')] })
  twin.sync.start()
  await rig.pass(1_000)
  expect(twin.store.checkpoint.client).not.toBe(client)
  expect(twin.store.outbox.size).toBe(0)
  expect(twin.sync.openid).toBe(ann.sync.openid)
  expect(rig.server.executed.map(({ mutation }) => mutation.writes[0]!.id)).toEqual([
    'before',
    'pending',
    'by the original',
    'by the copy',
    'by the copy, too',
  ])
  expect(rig.server.violations).toEqual([])
  await ann.sync.executor.commit({ writes: [add('and on')] })
  await rig.pass(1_000)
  expect(rig.server.all('todos')).toHaveLength(6)
})

test('[GREET-10] a store that is an older state of itself says so, with how many of its writes it does not know', async () => {
  const rig = new TestRig()
  const ann = await rig.client()
  await ann.sync.executor.commit({ writes: [add('1')] })
  await rig.pass()
  const backup = copyOf(ann.medium)
  for (const id of ['2', '3', '4']) await ann.sync.executor.commit({ writes: [add(id)] })
  await rig.pass()
  await ann.stop()
  const restored = await rig.client({ medium: backup, isStarted: false })
  const told: unknown[] = []
  restored.sync.on('storageSetBack', event => told.push(event))
  await restored.sync.executor.commit({ writes: [add('5')] })
  restored.sync.start()
  await rig.pass(1_000)
  expect(told).toEqual([{ mutations: 3 }])
  expect(ann.namesOf('storageSetBack')).toEqual([])
})

test('[GREET-5] a store restored from a backup does not reuse its numbers', async () => {
  const rig = new TestRig()
  const ann = await rig.client()
  await ann.sync.executor.commit({ writes: [add('1')] })
  await rig.pass()
  const backup = copyOf(ann.medium)
  await ann.sync.executor.commit({ writes: [add('2')] })
  await rig.pass()
  await ann.stop()
  const restored = await rig.client({ medium: backup })
  await restored.sync.executor.commit({ writes: [add('3')] })
  await rig.pass(1_000)
  expect(rig.server.all('todos').map(({ _id }) => _id)).toEqual(['1', '2', '3'])
  expect(rig.server.violations).toEqual([])
})

test('[GREET-5] a store that is set back once more, to before it took a new client id, does what was pending once', async () => {
  const rig = new TestRig()
  const ann = await rig.client()
  await rig.pass()
  const first = copyOf(ann.medium)
  await ann.sync.executor.commit({ writes: [add('1')] })
  await rig.pass()
  await ann.stop()
  const restored = await rig.client({ medium: first, isStarted: false })
  await restored.sync.executor.commit({ writes: [add('2')] })
  const second = copyOf(first)
  await restored.sync.executor.commit({ writes: [add('3')] })
  restored.sync.start()
  await rig.pass(1_000)
  await restored.stop()
  const again = await rig.client({ medium: second })
  await rig.pass(1_000)
  expect(again.store.outbox.size).toBe(0)
  await again.sync.executor.commit({ writes: [add('4')] })
  await rig.pass(1_000)
  expect(rig.server.executed.map(({ mutation }) => mutation.writes[0]!.id)).toEqual(['1', '2', '3', '4'])
  expect(rig.server.violations).toEqual([])
})

test('[GREET-5] which client it becomes does not depend on how far its first write is on the way to storage', async () => {
  const rig = new TestRig()
  const { store, medium, sync } = await rig.client({ isStarted: false })
  const resume = medium.pause()
  const written = sync.executor.commit({ writes: [add('1')] })
  const welcome = {
    lastMutation: 4,
    nonces: [],
    outcomes: [],
    token: 'session',
  } as unknown as DownOf<'welcome'>
  const becomes = () => forkStep(store, welcome, size => new Uint8Array(size)).step.renumber!.client
  expect(store.outbox.mutations).toEqual([])
  const before = becomes()
  resume()
  await written
  expect(store.outbox.mutations).toHaveLength(1)
  expect(becomes()).toBe(before)
  expect(before).toMatch(/^[0-9a-f]{32}$/)
})

test('[GREET-5] a store that was set back finds out while its first write is on the way to storage', async () => {
  const rig = new TestRig()
  const ann = await rig.client()
  await rig.pass()
  const backup = copyOf(ann.medium)
  await ann.sync.executor.commit({ writes: [add('1')] })
  await rig.pass()
  await ann.stop()
  const restored = await rig.client({
    medium: backup,
    isStarted: false,
    random: size => new Uint8Array(size).fill(9),
  })
  let isWelcomed = false
  restored.network.fate = frame => {
    isWelcomed ||= frame.includes('"welcome"')
    return 'deliver'
  }
  restored.sync.start()
  const resume = backup.pause()
  const written = restored.sync.executor.commit({ writes: [add('2')] })
  const next = restored.sync.executor.commit({ writes: [add('3')] })
  await rig.pass()
  expect(isWelcomed).toBe(true)
  resume()
  await Promise.all([written, next])
  await rig.pass(1_000)
  expect(rig.server.executed.map(({ mutation }) => mutation.writes[0]!.id)).toEqual(['1', '2', '3'])
  expect(restored.store.outbox.size).toBe(0)
  expect(rig.server.violations).toEqual([])
  expect(restored.namesOf('error')).toEqual([])
})

test('[GREET-6] a server restored from a backup gets what it had not yet decided when it was made', async () => {
  const rig = new TestRig()
  const ann = await rig.client()
  for (const id of ['1', '2', '3']) await ann.sync.executor.commit({ writes: [add(id)] })
  await rig.pass()
  ann.sync.goOffline()
  await rig.pass()
  await ann.sync.executor.commit({ writes: [add('4')] })
  rig.server.restore('epoch-2', 1)
  for (const known of rig.server.clients.values()) known.lastMutation = 1
  ann.sync.goOnline()
  await rig.pass(1_000)
  expect(rig.server.get('todos', '4')).toEqual({ _id: '4', _openid: 'user-1' })
  expect(ann.store.outbox.size).toBe(0)
  expect(rig.server.violations).toEqual([])
})

test('[GREET-7] a first welcome that is lost leaves nobody locked out', async () => {
  const rig = new TestRig()
  const ann = await rig.client({ isStarted: false })
  await ann.sync.executor.commit({ writes: [add('1')] })
  ann.network.fate = frame => (frame.includes('"welcome"') ? 'cut' : 'deliver')
  ann.sync.start()
  await rig.pass()
  ann.network.fate = undefined
  await rig.pass(2_000)
  expect(ann.sync.state).toBe('online')
  expect(rig.server.executed).toHaveLength(1)
  expect(ann.namesOf('error')).toEqual([])
})

test('[GREET-9] a token that is refused costs who we were, not what we wrote', async () => {
  const rig = new TestRig()
  const ann = await rig.client()
  await rig.pass(1_000)
  const { client, openid } = ann.store.checkpoint
  ann.sync.goOffline()
  await ann.sync.executor.commit({ writes: [add('1')] })
  ann.network.fate = frame => (frame.includes('"hello"') && frame.includes('"token"') ? 'drop' : 'deliver')
  ann.sync.goOnline()
  await rig.pass()
  const error = { code: 'TOKEN_REFUSED' as const, errMsg: 'no token of ours', details: { reason: 'invalid' } }
  for (const session of rig.server.sessions) session.bye({ error })
  await rig.pass(2_000)
  expect(ann.sync.state).toBe('online')
  expect(ann.store.checkpoint.client).not.toBe(client)
  expect(ann.store.checkpoint.openid).not.toBe(openid)
  expect(rig.server.executed).toHaveLength(1)
  expect(ann.namesOf('error')).toEqual(['error'])
})

test('[GREET-8] a server of another protocol is not talked to', async () => {
  const rig = new TestRig()
  const ann = await rig.client({ isStarted: false })
  ann.network.fate = (_frame, direction) => (direction === 'down' ? 'drop' : 'deliver')
  ann.sync.start()
  await settle()
  const [session] = [...rig.server.sessions]
  ann.network.fate = undefined
  const welcome = {
    type: 'welcome',
    protocol: protocolVersion + 1,
    openid: 'x',
    token: 't',
    access: 'a',
    epoch: 'e',
    version: 0,
    viewKey: 'v',
    lastMutation: 0,
    nonces: [],
    outcomes: [],
    resumed: false,
    time: 0,
    heartbeatMs: 1,
  }
  session!.sayText(JSON.stringify(welcome))
  await settle()
  expect(ann.events.map(({ detail }) => detail)).toMatchObject([{ code: 'UPGRADE_NEEDED' }])
  expect(ann.store.checkpoint.token).toBeUndefined()
})

function copyOf(medium: MemoryMedium): MemoryMedium {
  const copy = new MemoryMedium()
  for (const [, payload] of [...medium.records].sort(([a], [b]) => a - b)) copy.put(payload)
  return copy
}

test('[RESTORE-4] a server that was set back is told of by name, with what is known of the loss', async () => {
  const rig = new TestRig()
  const ann = await rig.client()
  ann.sync.subscribe(everyOne('todos'))
  for (const id of ['1', '2', '3']) await ann.sync.executor.commit({ writes: [add(id)] })
  await rig.pass()
  const { version } = ann.store.checkpoint
  ann.sync.goOffline()
  await rig.pass()
  await ann.sync.executor.commit({ writes: [add('4')] })
  rig.server.restore('epoch-2', 1)
  rig.server.common = 1
  rig.server.setVersion('todos', '1', 1)
  for (const id of ['2', '3']) rig.server.drop('todos', id)
  for (const known of rig.server.clients.values()) known.lastMutation = 1
  ann.sync.goOnline()
  await rig.pass(1_000)
  await rig.pass(1_000)
  const lost = ann.events.filter(({ name }) => name === 'historyLost').map(({ detail }) => detail)
  expect(lost).toEqual([
    {
      version,
      common: 1,
      mutations: 2,
      count: 2,
      documents: [
        { collection: 'todos', id: '2' },
        { collection: 'todos', id: '3' },
      ],
    },
  ])
  // what had not been sent is, what was lost is not, and neither is it here
  expect(rig.server.all('todos').map(({ _id }) => _id)).toEqual(['1', '4'])
  expect([...ann.store.confirmedDocuments()].map(({ document }) => document._id)).toEqual(['1', '4'])
  expect(rig.server.executed.map(({ mutation }) => mutation.writes[0]!.id)).toEqual(['1', '2', '3', '4'])
  expect(rig.server.violations).toEqual([])
})

test('[RESTORE-5] what is pending and had seen what was taken back counts as having seen nothing', async () => {
  for (const isRestarted of [false, true]) {
    const rig = new TestRig()
    for (let n = 0; n < 20; n++) rig.server.put('todos', { _id: `t${n}`, n })
    let ann = await rig.client()
    ann.sync.subscribe(everyOne('todos'))
    await rig.pass()
    ann.sync.goOffline()
    await rig.pass()
    await ann.sync.executor.commit({ writes: [add('mine')] })
    expect(ann.store.outbox.mutations.map(({ base }) => base)).toEqual([20])
    rig.server.restore('epoch-2', 25)
    rig.server.common = 12
    ann.network.fate = frame => (frame.includes('"push"') ? 'drop' : 'deliver')
    ann.sync.goOnline()
    await rig.pass()
    if (isRestarted) {
      await ann.stop()
      ann = await rig.client({ medium: ann.medium, isStarted: false })
    }
    expect(ann.store.outbox.mutations.map(({ base }) => base)).toEqual([0])
  }
})

test('[HISTORY-9] what a server has forgotten of a client is neither sent again nor dropped: it is among the rejected', async () => {
  const rig = new TestRig()
  const ann = await rig.client()
  for (const id of ['1', '2']) await ann.sync.executor.commit({ writes: [add(id)] })
  await rig.pass()
  // the answer to the third is lost, and the fourth is never sent
  ann.network.fate = (frame, direction) =>
    direction === 'down' && frame.includes('"pushed"') ? 'cut' : 'deliver'
  await ann.sync.executor.commit({ writes: [add('3')] })
  await rig.pass()
  ann.sync.goOffline()
  ann.network.fate = undefined
  await rig.pass(400 * 86_400_000)
  await ann.sync.executor.commit({ writes: [add('4')] })
  for (const known of rig.server.clients.values()) {
    known.nonces = []
    known.outcomes.clear()
    rig.server.forgotten = known.lastMutation
  }
  expect(rig.server.forgotten).toBe(3)
  ann.sync.goOnline()
  await rig.pass(1_000)
  expect(rig.server.executed.map(({ mutation }) => mutation.writes[0]!.id)).toEqual(['1', '2', '3', '4'])
  expect(ann.store.outbox.size).toBe(0)
  expect(ann.store.rejected).toMatchObject([
    { code: 'ABORTED', details: { isOutcomeUnknown: true }, mutation: { writes: [{ id: '3' }] } },
  ])
  expect(ann.namesOf('rejected')).toEqual(['rejected'])
  expect(rig.server.violations).toEqual([])
})

test('[HISTORY-9] a copy of a store that comes back so late goes on as another client', async () => {
  const rig = new TestRig()
  const first = await rig.client()
  await first.sync.executor.commit({ writes: [add('1')] })
  await rig.pass()
  const saved = new MemoryMedium()
  first.sync.goOffline()
  await rig.pass()
  await first.sync.executor.commit({ writes: [add('2')] })
  for (const [sequence, payload] of first.medium.records) saved.records.set(sequence, payload)
  await first.sync.executor.commit({ writes: [add('3')] })
  first.sync.goOnline()
  await rig.pass()
  await first.stop()
  for (const known of rig.server.clients.values()) {
    known.nonces = []
    known.outcomes.clear()
    rig.server.forgotten = known.lastMutation
  }
  const copy = await rig.client({ medium: saved })
  await copy.sync.executor.commit({ writes: [add('4')] })
  await rig.pass(1_000)
  expect(rig.server.executed.map(({ mutation }) => mutation.writes[0]!.id)).toEqual(['1', '2', '3', '4'])
  expect(copy.store.rejected).toMatchObject([{ mutation: { writes: [{ id: '2' }] } }])
  expect(copy.store.outbox.size).toBe(0)
  expect(rig.server.violations).toEqual([])
})

test('[GREET-5] a store that is set back to before others were refused here knows what was done by its new number', async () => {
  const rig = new TestRig()
  let holds = true
  const isHeld = (text: string) => holds && text.includes('"held"')
  const ann = await rig.client({ isHeld })
  await rig.pass()
  ann.network.isUp = false
  ann.network.cut()
  const write = (id: string, text: string) =>
    ann.sync.executor.commit({
      writes: [{ op: 'add', collection: 'todos', id, data: { text } }],
    })
  await write('1', 'held')
  await write('2', '')
  await write('3', 'held')
  await write('4', '')
  const backup = copyOf(ann.medium)
  ann.network.isUp = true
  await rig.pass(60_000)
  await ann.sync.refuse(text => text.includes('"1"'), new CloudError('ABORTED', { errMsg: 'no' }))
  await rig.pass()
  expect(rig.server.executed.map(({ mutation }) => mutation.writes[0]!.id)).toEqual(['2'])
  await ann.stop()

  const restored = await rig.client({ medium: backup, isHeld })
  await rig.pass(60_000)
  expect(restored.store.outbox.mutations.map(({ writes }) => writes[0]!.id)).toEqual(['1', '3', '4'])
  expect(restored.store.rejected).toEqual([])
  expect(restored.namesOf('accepted', 'rejected')).toEqual(['accepted'])
  holds = false
  restored.sync.release()
  await rig.pass(60_000)
  expect(rig.server.executed.map(({ mutation }) => mutation.writes[0]!.id)).toEqual(['2', '1', '3', '4'])
  expect(restored.store.outbox.size).toBe(0)
  const again = await rig.client({ medium: copyOf(backup) })
  expect(again.store.rejected).toEqual([])
  expect(rig.server.violations).toEqual([])
})
