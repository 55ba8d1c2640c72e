import { MemoryMedium, settle } from '@nearcloud/store/testing'
import { expect, test } from 'vitest'
import { signIn } from './sign-in.ts'
import { everyOne, LocalPair, TestRig } from './testing/index.ts'

const add = (id: string, data: { [key: string]: string | number } = {}) =>
  ({ op: 'add', collection: 'todos', id, data }) as const
const inc = (id: string) => ({ op: 'update', collection: 'todos', id, changes: [['n', 'inc', 1]] }) as const

async function named(options: { medium?: MemoryMedium } = {}) {
  const rig = new TestRig()
  rig.server.tickets.set('ticket', 'anna')
  const { openid, token } = rig.server.signIn('ticket')!
  const anna = await rig.client({ ...options, named: { openid, token } })
  return { rig, anna, openid, token }
}

test('[IDENTITY-1] a ticket is shown over a connection of its own, and makes the one it names of this device', async () => {
  const rig = new TestRig()
  rig.server.tickets.set('ticket', 'anna')
  const network = new LocalPair({ accept: rig.server.accept, clock: rig.clock })
  const options = { transport: network.transport, clock: rig.clock, env: 'test' }
  const frames: string[] = []
  network.fate = frame => {
    frames.push(frame)
    return 'deliver'
  }
  expect(await signIn({ ...options, ticket: 'ticket' })).toEqual({
    openid: 'user-1',
    uid: 'anna',
    token: 'token-of-user-1',
  })
  expect(frames.map(frame => JSON.parse(frame).type)).toEqual(['signIn', 'signedIn'])
  expect(network.connections).toBe(0)
  await expect(signIn({ ...options, ticket: 'ticket' })).rejects.toMatchObject({
    code: 'TOKEN_REFUSED',
    details: { reason: 'used' },
  })
})

test('[IDENTITY-2] without an answer, or with an odd one, signing in rejects and leaves no connection', async () => {
  const rig = new TestRig()
  const network = new LocalPair({ accept: rig.server.accept, clock: rig.clock })
  const options = { transport: network.transport, clock: rig.clock, env: 'test', ticket: 'ticket' }
  network.isUp = false
  await expect(signIn(options)).rejects.toMatchObject({ code: 'OFFLINE' })
  network.isUp = true
  rig.server.tickets.set('ticket', 'anna')
  network.fate = frame => (frame.includes('signedIn') ? 'cut' : 'deliver')
  await expect(signIn(options)).rejects.toMatchObject({ code: 'OFFLINE' })
  network.fate = () => 'drop'
  const silent = expect(signIn(options)).rejects.toMatchObject({ code: 'OFFLINE' })
  await rig.pass(15_000)
  await silent
  for (const frame of ['{', '{"type":"pong"}', '{"type":"signedIn"}', 'null']) {
    const liar = new LocalPair({
      accept: peer => ({ received: () => peer.send(frame), closed: () => undefined }),
      clock: rig.clock,
    })
    await expect(signIn({ ...options, transport: liar.transport })).rejects.toMatchObject({
      code: 'PROTOCOL_ERROR',
    })
    await settle()
    expect(liar.connections).toBe(0)
  }
  expect(network.connections).toBe(0)
})

test.each(['expired', 'invalid', 'deleted'])(
  '[IDENTITY-3] a named user whose token is refused (%s) never becomes an anonymous one: all is kept, nothing is sent',
  async reason => {
    const { rig, anna, openid } = await named()
    await anna.sync.executor.commit({ writes: [add('1', { n: 1 })] })
    await rig.pass()
    anna.sync.goOffline()
    await rig.pass()
    rig.server.refusesToken = () => reason
    await anna.sync.executor.commit({ writes: [inc('1')] })
    anna.sync.goOnline()
    await rig.pass(600_000)
    expect(anna.namesOf('signInNeeded')).toEqual(['signInNeeded'])
    expect(anna.sync.signInNeeded).toMatchObject({ code: 'TOKEN_REFUSED', details: { reason } })
    expect(anna.sync.state).toBe('offline')
    await anna.sync.executor.commit({ writes: [inc('1')] })
    expect(anna.store.get('todos', '1')).toEqual({ _id: '1', _openid: openid, n: 3 })
    expect(rig.server.executed).toHaveLength(1)
    expect([...rig.server.clients.values()].map(client => client.openid)).toEqual([openid])
    // a restart changes nothing of it
    await anna.stop()
    const again = await rig.client({ medium: anna.medium, named: { openid, token: `token-of-${openid}` } })
    await rig.pass()
    expect(again.sync.openid).toBe(openid)
    expect(again.store.outbox.size).toBe(2)
    rig.server.refusesToken = () => undefined
    await again.sync.signInAgain(`token-of-${openid}`)
    await rig.pass()
    expect(again.sync.signInNeeded).toBeUndefined()
    expect(rig.server.get('todos', '1')).toMatchObject({ n: 3 })
    expect(rig.server.executed).toHaveLength(3)
    expect(rig.server.violations).toEqual([])
  },
)

test('[IDENTITY-3] a session that ends with writes under way loses none of them and doubles none', async () => {
  for (let cutAt = 1; cutAt < 14; cutAt++) {
    const { rig, anna, openid } = await named()
    await anna.sync.executor.commit({ writes: [add('1', { n: 0 })] })
    await rig.pass()
    // what the server says from some frame on is lost, and then the token is good no more
    let frames = 0
    anna.network.fate = () => (++frames >= cutAt ? 'cut' : 'deliver')
    const executor = anna.sync.executor
    for (let n = 0; n < 5; n++) void executor.commit({ writes: [inc('1')] })
    await rig.pass()
    rig.server.refusesToken = () => 'expired'
    anna.network.cut()
    anna.network.fate = undefined
    await rig.pass(60_000)
    expect(anna.sync.signInNeeded).toBeDefined()
    rig.server.refusesToken = () => undefined
    await anna.sync.signInAgain(`token-of-${openid}`)
    await rig.pass(60_000)
    expect(rig.server.get('todos', '1'), `cut at ${cutAt}`).toMatchObject({ n: 5 })
    expect(anna.store.outbox.size).toBe(0)
    expect(rig.server.violations).toEqual([])
  }
})

test('[IDENTITY-4] a named user without a token says nothing at all: the server would make somebody else of it', async () => {
  const rig = new TestRig()
  const medium = new MemoryMedium()
  const anna = await rig.client({ medium, isStarted: false, named: { openid: 'user-9', token: 'x' } })
  await anna.store.confirm({ checkpoint: { token: undefined } })
  const frames: string[] = []
  anna.network.fate = frame => {
    frames.push(frame)
    return 'deliver'
  }
  anna.sync.start()
  await rig.pass(60_000)
  expect(frames).toEqual([])
  expect(anna.sync.signInNeeded).toMatchObject({ details: { reason: 'signedOut' } })
})

test('[IDENTITY-5] new tokens come in the middle of a conversation, are durable, and change nothing of its place', async () => {
  const { rig, anna, openid } = await named()
  void anna.sync.subscribe(everyOne('todos'))
  await rig.pass()
  const [session] = rig.server.sessions
  session!.say({ type: 'renewed', token: `token-of-${openid}`, access: 'another' })
  await rig.pass()
  rig.server.put('todos', { _id: '1' })
  await rig.pass()
  expect(anna.sync.access).toBe('another')
  expect(anna.store.get('todos', '1')).toBeDefined()
  expect(anna.namesOf('offline', 'error')).toEqual([])
  session!.say({ type: 'renewed', token: 'fresh', access: 'third' })
  await rig.pass()
  await anna.stop()
  rig.server.refusesToken = token => (token === 'fresh' ? undefined : 'expired')
  const hellos: string[] = []
  const again = await rig.client({ medium: anna.medium, isStarted: false })
  again.network.fate = frame => {
    if (frame.includes('"hello"')) hellos.push(JSON.parse(frame).token)
    return 'deliver'
  }
  again.sync.start()
  await rig.pass()
  expect(hellos).toEqual(['fresh'])
})

test('[IDENTITY-5] what is fetched over HTTP is asked for with the newest token', async () => {
  const rig = new TestRig()
  const shown: unknown[] = []
  const ann = await rig.client({
    parts: {
      endpoint: 'http://cloud.test',
      exchange: async ({ headers }) => {
        shown.push(headers?.authorization)
        return { status: 404, headers: {}, body: new Uint8Array() }
      },
    },
  })
  const [session] = rig.server.sessions
  session!.say({ type: 'renewed', token: `token-of-${ann.sync.openid}`, access: 'another' })
  session!.say({ type: 'fetch', path: `/sync/parts/${'a'.repeat(32)}`, characters: 10 })
  await rig.pass()
  expect(new Set(shown)).toEqual(new Set(['Bearer another']))
})

test('[IDENTITY-6] an older server is not asked to merge, since it would not know what that is', async () => {
  const rig = new TestRig()
  rig.server.spoken = { oldest: 1, newest: 3, isTold: true }
  const ann = await rig.client()
  await rig.pass(1_000)
  await expect(ann.sync.merge('token')).rejects.toMatchObject({ code: 'UPGRADE_NEEDED' })
  expect(ann.sync.state).toBe('online')
})

test('[IDENTITY-6] merging is asked with the anonymous user’s token, in the named user’s conversation', async () => {
  const { rig, anna, openid } = await named()
  const ann = await rig.client()
  await ann.sync.executor.commit({ writes: [add('1')] })
  await rig.pass()
  await ann.stop()
  expect(await anna.sync.merge(ann.store.checkpoint.token!)).toEqual({ documents: 1, left: 0 })
  expect(rig.server.get('todos', '1')).toMatchObject({ _openid: openid })
  anna.sync.goOffline()
  await rig.pass()
  await expect(anna.sync.merge('token')).rejects.toMatchObject({ code: 'OFFLINE' })
})
