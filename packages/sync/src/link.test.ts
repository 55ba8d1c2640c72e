import { settle } from '@nearcloud/store/testing'
import { expect, test } from 'vitest'
import { everyOne, TestRig } from './testing/index.ts'

const add = (id: string) => ({ op: 'add', collection: 'todos', id, data: {} }) as const

test('[LINK-2] goOffline takes effect at once, and lasts until goOnline', async () => {
  const rig = new TestRig()
  const ann = await rig.client()
  expect(ann.sync.state).toBe('online')
  ann.sync.goOffline()
  expect(ann.sync.state).toBe('offline')
  ann.sync.wake()
  await rig.pass(120_000)
  expect(ann.sync.state).toBe('offline')
  expect(ann.network.attempts).toBe(1)
  ann.sync.goOnline()
  await rig.pass()
  expect(ann.sync.state).toBe('online')
  expect(ann.namesOf('online', 'offline')).toEqual(['online', 'offline', 'online'])
})

test('[LINK-2] going offline and online again in one breath ends online', async () => {
  const rig = new TestRig()
  const ann = await rig.client()
  for (let i = 0; i < 5; i++) {
    ann.sync.goOffline()
    ann.sync.goOnline()
  }
  await rig.pass(1_000)
  expect(ann.sync.state).toBe('online')
  expect(ann.network.connections).toBe(1)
})

test('[LINK-3] a server that is away is tried again, ever less often, and found when it is back', async () => {
  const rig = new TestRig()
  const ann = await rig.client({ isStarted: false })
  ann.network.isUp = false
  ann.sync.start()
  await rig.pass(10 * 60_000)
  expect(ann.network.attempts).toBeGreaterThan(20)
  expect(ann.network.attempts).toBeLessThan(100)
  ann.network.isUp = true
  await rig.pass(30_000)
  expect(ann.sync.state).toBe('online')
})

test('[LINK-3] a hint that the network is back is followed at once', async () => {
  const rig = new TestRig()
  const ann = await rig.client({ isStarted: false })
  ann.network.isUp = false
  ann.sync.start()
  await rig.pass(10 * 60_000)
  ann.network.isUp = true
  ann.sync.wake()
  await settle()
  expect(ann.sync.state).toBe('online')
})

test('[LINK-3] a hint that the network is gone closes the connection, and trying goes on', async () => {
  const rig = new TestRig()
  const ann = await rig.client()
  ann.sync.doubt()
  expect(ann.sync.state).toBe('offline')
  await rig.pass(1_000)
  expect(ann.sync.state).toBe('online')
})

test('[LINK-4] a server that asks for patience gets it', async () => {
  const rig = new TestRig()
  const ann = await rig.client()
  for (const session of [...rig.server.sessions])
    session.bye({ error: { code: 'ABORTED', errMsg: 'restarting' }, retryAfterMs: 7_000 })
  await rig.pass(6_999)
  expect(ann.sync.state).toBe('offline')
  expect(ann.network.attempts).toBe(1)
  await rig.pass(300)
  expect(ann.sync.state).toBe('online')
})

test('[LINK-5] a server that sends away for good is asked again only by a person', async () => {
  const rig = new TestRig()
  const ann = await rig.client()
  for (const session of [...rig.server.sessions])
    session.bye({ error: { code: 'UPGRADE_NEEDED', errMsg: 'update the app' } })
  await rig.pass(10 * 60_000)
  ann.sync.wake()
  await rig.pass(10 * 60_000)
  expect(ann.network.attempts).toBe(1)
  expect(ann.events.find(event => event.name === 'error')?.detail).toMatchObject({
    code: 'UPGRADE_NEEDED',
    errMsg: 'update the app',
  })
  ann.sync.goOnline()
  await rig.pass()
  expect(ann.sync.state).toBe('online')
})

test('[LINK-6] a connection that carries nothing any more is noticed within three heartbeats', async () => {
  const rig = new TestRig()
  rig.server.heartbeatMs = 10_000
  const ann = await rig.client()
  rig.server.isSilent = true
  await rig.pass(20_000)
  expect(ann.sync.state).toBe('online')
  await rig.pass(10_000)
  expect(ann.sync.state).not.toBe('online')
  rig.server.isSilent = false
  await rig.pass(30_000)
  expect(ann.sync.state).toBe('online')
})

test('[LINK-6] a quiet connection stays', async () => {
  const rig = new TestRig()
  const ann = await rig.client()
  await rig.pass(10 * 60_000)
  expect(ann.sync.state).toBe('online')
  expect(ann.network.attempts).toBe(1)
  expect(ann.namesOf('offline')).toEqual([])
})

test('[LINK-12] mutations that get no answer end a silent connection sooner, and go again in small frames', async () => {
  const rig = new TestRig()
  const ann = await rig.client()
  const sizes: number[] = []
  /** The connection on which nothing goes up any more. */
  let stuck = 0
  ann.network.fate = (frame, direction) => {
    if (direction === 'down') return 'deliver'
    if (frame.startsWith('{"type":"push"')) sizes.push(frame.length)
    if (frame.length > 1_200) stuck = ann.network.attempts
    return stuck === ann.network.attempts ? 'drop' : 'deliver'
  }
  for (let i = 0; i < 60; i++) void ann.sync.executor.commit({ writes: [add(`${i}`)] })
  await rig.pass(24_000)
  expect(sizes).toHaveLength(1)
  expect(ann.network.attempts).toBe(1)
  await rig.pass(90_000)
  expect(ann.store.outbox.size).toBe(0)
  expect(rig.server.all('todos')).toHaveLength(60)
  expect(sizes.filter(size => size > 1_200)).toHaveLength(2)
})

test('[LINK-12] whoever hears something goes on waiting for an answer', async () => {
  const rig = new TestRig()
  const ann = await rig.client()
  ann.network.fate = frame => (frame.startsWith('{"type":"push"') ? 'drop' : 'deliver')
  void ann.sync.executor.commit({ writes: [add('1')] })
  for (let i = 0; i < 20; i++) {
    await rig.pass(10_000)
    rig.server.put('todos', { _id: `other${i}` })
  }
  expect(ann.network.attempts).toBe(1)
})

test('[LINK-7] a connection that is given up says to its transport that it was stuck', async () => {
  const rig = new TestRig()
  rig.server.isSilent = true
  const ann = await rig.client({ isStarted: false })
  const reasons: (string | undefined)[] = []
  const { connect } = ann.network.transport
  ann.network.transport.connect = listener => {
    const connection = connect(listener)
    const { close } = connection
    return Object.assign(connection, {
      close(reason?: 'stuck') {
        reasons.push(reason)
        close.call(connection)
      },
    })
  }
  ann.sync.start()
  await rig.pass(15_000)
  rig.server.isSilent = false
  await rig.pass(1_000)
  ann.sync.doubt()
  expect(reasons).toEqual(['stuck', undefined])
})

test('[LINK-7] a greeting that is not answered is given up after 15 seconds', async () => {
  const rig = new TestRig()
  rig.server.isSilent = true
  const ann = await rig.client()
  await rig.pass(14_999)
  expect(ann.sync.state).toBe('connecting')
  await rig.pass(1)
  expect(ann.sync.state).not.toBe('connecting')
  rig.server.isSilent = false
  await rig.pass(1_000)
  expect(ann.sync.state).toBe('online')
})

test('[LINK-8] a frame that is no message ends the conversation, and the next one goes on', async () => {
  const rig = new TestRig()
  const ann = await rig.client()
  for (const hostile of ['{', '[]', '{"type":"changes"}', '{"type":"welcome","protocol":1}', 'null', '']) {
    for (const session of [...rig.server.sessions]) session.sayText(hostile)
    await settle()
    expect(ann.sync.state).not.toBe('online')
    await rig.pass(30_000)
    expect(ann.sync.state).toBe('online')
  }
  expect(ann.namesOf('error')).toHaveLength(6)
})

test('[LINK-9] after stop nothing runs: no timer, no frame, no listener', async () => {
  const rig = new TestRig()
  const ann = await rig.client()
  void ann.sync.subscribe(everyOne('todos'))
  await rig.pass()
  await ann.stop()
  expect(rig.clock.waiting).toBe(0)
  expect(rig.server.sessions.size).toBe(0)
  const { frames } = ann.network
  await rig.pass(120_000)
  expect(ann.network.frames).toBe(frames)
})

test('[LINK-9] stopping while there is no connection works too', async () => {
  const rig = new TestRig()
  const ann = await rig.client({ isStarted: false })
  await ann.stop()
  const bob = await rig.client({ isStarted: false })
  bob.network.isUp = false
  bob.sync.start()
  await rig.pass(1_000)
  await bob.stop()
  expect(rig.clock.waiting).toBe(0)
})

test('[LINK-10] a slow network delivers everything in the end', async () => {
  const rig = new TestRig()
  const ann = await rig.client({ isStarted: false })
  ann.network.delayMs = 2_000
  ann.sync.start()
  await ann.sync.executor.commit({ writes: [add('1')] })
  await rig.pass(20_000)
  expect(rig.server.all('todos')).toEqual([{ _id: '1', _openid: 'user-1' }])
  expect(ann.store.outbox.size).toBe(0)
})

test('[LINK-8] a change message that leaves a gap is not applied: the next conversation has all of it', async () => {
  const rig = new TestRig()
  const ann = await rig.client()
  void ann.sync.subscribe(everyOne('todos'))
  await rig.pass()
  rig.server.put('todos', { _id: 'before' })
  await rig.pass()
  const [session] = [...rig.server.sessions]
  const { version, viewKey } = rig.server
  session!.say({
    type: 'changes',
    from: version + 3,
    to: version + 4,
    viewKey,
    lastMutation: 0,
    items: [['todos', version + 4, { _id: 'after the gap' }]],
  })
  await settle()
  expect(ann.store.get('todos', 'after the gap')).toBeUndefined()
  expect(ann.store.checkpoint.version).toBe(version)
  expect(ann.namesOf('error')).toHaveLength(1)
  rig.server.put('todos', { _id: 'in truth' })
  await rig.pass(1_000)
  expect(ann.store.get('todos', 'in truth')).toBeDefined()
})

test('[PATCH-6] a patch for another version than is here is a gap: nothing of its message is applied', async () => {
  const rig = new TestRig()
  const ann = await rig.client()
  void ann.sync.subscribe(everyOne('todos'))
  await rig.pass()
  rig.server.put('todos', { _id: 'a', n: 1 })
  await rig.pass()
  const { version } = rig.server
  const say = (base: number, id: string) => {
    for (const session of [...rig.server.sessions])
      session.say({
        type: 'changes',
        from: ann.store.checkpoint.version,
        to: version + 1,
        items: [
          ['todos', version + 1, { _id: 'beside' }],
          ['todos', version + 1, base, { n: 2 }, id],
        ],
      })
    return settle()
  }
  for (const [base, id] of [
    [version - 1, 'a'],
    [version + 1, 'a'],
    [version, 'nobody'],
  ] as const) {
    await say(base, id)
    expect(ann.store.get('todos', 'a')).toEqual({ _id: 'a', n: 1 })
    expect(ann.store.get('todos', 'beside')).toBeUndefined()
    expect(ann.sync.state).not.toBe('online')
    await rig.pass(30_000)
    expect(ann.sync.state).toBe('online')
  }
  expect(ann.namesOf('error')).toHaveLength(3)
  await say(version, 'a')
  expect(ann.store.get('todos', 'a')).toEqual({ _id: 'a', n: 2 })
  expect(ann.store.confirmed('todos', 'a')?.version).toBe(version + 1)
  expect(ann.namesOf('error')).toHaveLength(3)
})

test('[PATCH-7] a patch of what was let go before it came begins the conversation anew, and is no error', async () => {
  const rig = new TestRig()
  const ann = await rig.client({ warmMs: 1_000 })
  const all = ann.sync.subscribe(everyOne('todos'))
  await rig.pass()
  all.close()
  await rig.pass(2_000)
  const { version } = rig.server
  for (const session of [...rig.server.sessions])
    session.say({
      type: 'changes',
      from: ann.store.checkpoint.version,
      to: version + 1,
      items: [['todos', version + 1, version, { n: 2 }, 'a']],
    })
  await settle()
  expect(ann.sync.state).not.toBe('online')
  expect(ann.store.checkpoint.version).toBe(version)
  await rig.pass(30_000)
  expect(ann.sync.state).toBe('online')
  expect(ann.namesOf('error')).toEqual([])
})

test('[LINK-8] a change message that counts a mutation whose outcome never came is not applied', async () => {
  const rig = new TestRig()
  const ann = await rig.client()
  ann.network.fate = frame => (frame.includes('"pushed"') ? 'drop' : 'deliver')
  await ann.sync.executor.commit({ writes: [add('1')] })
  await settle()
  expect(ann.store.outbox.size).toBe(1)
  ann.network.fate = undefined
  await rig.pass(1_000)
  expect(ann.namesOf('accepted')).toEqual(['accepted'])
})

test('[LINK-11] online again while the old connection is closing: the next attempt is made at once', async () => {
  const rig = new TestRig()
  const ann = await rig.client()
  await rig.pass()
  ann.sync.goOffline()
  ann.sync.goOnline()
  const called = ann.sync.call('f', null).catch((error: { code: string }) => error.code)
  await rig.pass()
  expect(ann.sync.state).toBe('online')
  expect(await called).not.toBe('OFFLINE')
})

test('[LINK-13] while messages wait for their turn nothing more is read, and working is no silence', async () => {
  const rig = new TestRig()
  rig.server.heartbeatMs = 10_000
  const ann = await rig.client({ isStarted: false })
  const calls: string[] = []
  const { connect } = ann.network.transport
  ann.network.transport.connect = listener => {
    const connection = connect(listener)
    return Object.assign(connection, { pause: () => calls.push('pause'), resume: () => calls.push('resume') })
  }
  ann.sync.start()
  void ann.sync.subscribe(everyOne('todos'))
  await rig.pass()
  calls.length = 0
  const [session] = [...rig.server.sessions]
  for (let i = 0; i < 100; i++) session!.say({ type: 'pong' })
  for (let i = 0; i < 20; i++) await rig.pass()
  expect(calls[0]).toBe('pause')
  expect(calls.at(-1)).toBe('resume')
  expect(ann.sync.state).toBe('online')
})

test('[LINK-21] the host gets a turn between messages when they take long', async () => {
  const rig = new TestRig()
  const ann = await rig.client()
  void ann.sync.subscribe(everyOne('notes'))
  await rig.pass()
  const { clock } = rig
  const [now, after] = [clock.now.bind(clock), clock.after.bind(clock)]
  let [looks, turns] = [0, 0]
  // each look at the clock finds twenty milliseconds gone
  clock.now = () => now() + 20 * looks++
  clock.after = (delayMs, task) => {
    if (delayMs === 0) turns++
    return after(delayMs, task)
  }
  const [session] = [...rig.server.sessions]
  for (let n = 0; n < 20; n++) session!.say({ type: 'pong' })
  for (let n = 0; n < 60; n++) await rig.pass()
  expect(turns).toBeGreaterThan(5)
  expect(turns).toBeLessThan(20)
  expect(ann.sync.state).toBe('online')
})
