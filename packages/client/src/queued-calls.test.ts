import { CloudError } from '@nearcloud/protocol'
import { settle } from '@nearcloud/store/testing'
import { TestRig } from '@nearcloud/sync/testing'
import { expect, test } from 'vitest'
import { type Cloud, createCloud, type HttpRequest, type HttpResponse } from './index.ts'
import { MemoryPlatform } from './testing/index.ts'

interface Heard {
  readonly name: string
  readonly key: string
  readonly data: unknown
  readonly todos: number
}

/** A server that answers `POST /functions/…`; `fault` says what goes wrong with the exchange of this number. */
async function setUp(options: { isUp?: boolean } = {}) {
  const rig = new TestRig()
  const server = {
    heard: [] as Heard[],
    answer: (call: Heard): readonly [number, unknown] => [
      200,
      { result: { got: call.data }, requestId: 'r' },
    ],
    fault: (_: number): 'before' | 'after' | undefined => undefined,
    exchanges: 0,
  }
  const http = async (request: HttpRequest): Promise<HttpResponse> => {
    const name = /\/functions\/(.*)$/.exec(request.url)![1]!
    const fault = server.fault(++server.exchanges)
    if (fault === 'before') throw new CloudError('OFFLINE', { errMsg: 'cut' })
    const key = request.headers!['idempotency-key']!
    const call = {
      name,
      key,
      data: JSON.parse(request.body as string),
      todos: rig.server.all('todos').length,
    }
    server.heard.push(call)
    const [status, said] = server.answer(call)
    if (fault === 'after') throw new CloudError('OFFLINE', { errMsg: 'cut' })
    return { status, headers: {}, body: new TextEncoder().encode(JSON.stringify(said)) }
  }
  const platform = new MemoryPlatform(rig, http)
  platform.network.isUp = options.isUp ?? true
  return { rig, server, platform, cloud: await open(platform) }
}

async function open(platform: MemoryPlatform): Promise<Cloud> {
  const cloud = createCloud(platform)
  cloud.init({ endpoint: 'http://cloud.test' })
  await cloud.ready()
  await settle()
  return cloud
}

const key = 'order-0001'

test('[CALLS-4] online a queued call resolves with what the function returned', async () => {
  const { server, cloud } = await setUp()
  const result = await cloud.callFunction({
    name: 'pay',
    data: { n: 1, when: new Date(5) },
    queue: true,
    key,
  })
  expect(result).toEqual({
    result: { got: { n: 1, when: new Date(5) } },
    errMsg: 'cloud.callFunction:ok',
    requestID: 'r',
    key,
  })
  expect(server.heard).toEqual([{ name: 'pay', key, data: { n: 1, when: { $date: 5 } }, todos: 0 }])
  expect(cloud.status().calls).toBe(0)
})

test('[CALLS-5] the outcome is told though storage does not forget the call; the next process asks for it once more', async () => {
  const { rig, server, platform, cloud } = await setUp()
  // the call itself is two steps
  platform.medium('default.main.files').faultAt(3, 'fail')
  const errors: unknown[] = []
  cloud.on('error', ({ code }) => errors.push(code))
  const answer = await cloud.callFunction({ name: 'pay', data: { n: 1 }, queue: true, key })
  expect(answer).toMatchObject({ result: { got: { n: 1 } } })
  expect(errors).toEqual(['STORE_FAILED'])
  cloud.goOffline()
  platform.restart()
  const again = await open(platform)
  await rig.pass(60_000)
  expect(again.status().calls).toBe(0)
  expect(server.heard.map(call => call.key)).toEqual([key, key])
})

test('[CALLS-4] offline it is durable when it resolves, outlives the process, and tells its outcome by an event', async () => {
  const { rig, server, platform, cloud } = await setUp({ isUp: false })
  await rig.pass(1_000)
  const result = await cloud.callFunction({ name: 'pay', data: { n: 1 }, queue: true })
  expect(result).toMatchObject({ pending: true, result: null, key: expect.stringMatching(/^[0-9a-f]{32}$/) })
  cloud.goOffline()
  platform.restart() // and the process is gone

  const again = await open(platform)
  expect(again.status().calls).toBe(1)
  const events: unknown[] = []
  again.on('called', event => events.push(event))
  platform.network.isUp = true
  const synced = again.whenSynced()
  await rig.pass(60_000)
  await synced
  expect(server.heard).toMatchObject([{ name: 'pay', key: result.key }])
  expect(events).toEqual([{ key: result.key, name: 'pay', data: { n: 1 }, result: { got: { n: 1 } } }])
})

test('[CALLS-12] when everything is in step, what calls did that had waited is here, too', async () => {
  const { rig, server, platform, cloud } = await setUp()
  const todos = cloud.database().collection('todos')
  const following = todos.where({ done: false }).subscribe()
  await rig.pass(1_000)
  await following.ready
  cloud.goOffline()
  await cloud.callFunction({ name: 'add', queue: true })
  platform.network.delayMs = 100 // what the call did comes after its answer
  server.fault = exchange => (exchange === 1 ? 'before' : undefined)
  server.answer = () => {
    rig.server.put('todos', { _id: '1', done: false })
    return [200, { result: null, requestId: 'r' }]
  }
  cloud.goOnline()
  const found = cloud.whenSynced().then(() => todos.where({ done: false }).get())
  for (let second = 0; second < 60; second++) await rig.pass(1_000)
  expect((await found).data).toEqual([{ _id: '1', done: false }])
})

test('[CALLS-5] an exchange that breaks is repeated with the same key, in order', async () => {
  for (const fault of ['before', 'after'] as const) {
    const { rig, server, cloud } = await setUp()
    server.fault = exchange => (exchange === 1 ? fault : undefined)
    const first = await cloud.callFunction({ name: 'a', queue: true, key })
    expect(first.pending).toBe(true)
    const second = cloud.callFunction({ name: 'b', queue: true })
    await rig.pass(60_000)
    expect((await second).result).toEqual({ got: {} })
    const expected = fault === 'after' ? ['a', 'a', 'b'] : ['a', 'b']
    expect(server.heard.map(({ name }) => name)).toEqual(expected)
    expect(new Set(server.heard.filter(({ name }) => name === 'a').map(heard => heard.key))).toEqual(
      new Set([key]),
    )
  }
})

test.each([401, 429, 502, 503])(
  '[CALLS-5] an answer that is not about the call (%i) is no outcome',
  async status => {
    const { rig, server, cloud } = await setUp()
    const { answer } = server
    server.answer = () => [status, { code: 'EXCEED_REQUEST_LIMIT', errMsg: 'later' }]
    expect((await cloud.callFunction({ name: 'a', queue: true })).pending).toBe(true)
    const events: object[] = []
    cloud.on('called', event => events.push(event))
    server.answer = answer
    await rig.pass(10_000)
    expect(events).toMatchObject([{ name: 'a', result: { got: {} } }])
    expect(cloud.status().calls).toBe(0)
  },
)

test('[CALLS-5] what the function threw is the outcome, in the original’s words', async () => {
  const { rig, server, cloud } = await setUp()
  const errMsg = 'errCode: -504002 functions execute fail | errMsg: boom'
  server.answer = () => [500, { code: 'FUNCTIONS_EXECUTE_FAIL', errMsg }]
  await expect(cloud.callFunction({ name: 'a', queue: true })).rejects.toMatchObject({
    code: 'FUNCTIONS_EXECUTE_FAIL',
    errMsg: `cloud.callFunction:fail Error: ${errMsg}`,
  })
  await rig.pass(60_000)
  expect(server.heard).toHaveLength(1)
})

const pay = { name: 'pay', data: { n: 1 }, queue: true, key } as const

test('[CALLS-10] who asks with the same key while it is under way hears the same outcome', async () => {
  const { rig, server, cloud } = await setUp()
  const events: unknown[] = []
  cloud.on('called', event => events.push(event))
  const both = Promise.all([cloud.callFunction(pay), cloud.callFunction(pay)])
  await rig.pass(10_000)
  const answer = { result: { got: { n: 1 } }, errMsg: 'cloud.callFunction:ok', requestID: 'r', key }
  expect(await both).toEqual([answer, answer])
  expect(server.heard).toHaveLength(1)
  expect(events).toEqual([])
})

test('[CALLS-10] what failed has failed for everybody who asked', async () => {
  const { rig, server, cloud } = await setUp()
  server.answer = () => [500, { code: 'FUNCTIONS_EXECUTE_FAIL', errMsg: 'boom' }]
  const both = Promise.allSettled([cloud.callFunction(pay), cloud.callFunction(pay)])
  await rig.pass(10_000)
  const failed = { status: 'rejected', reason: { code: 'FUNCTIONS_EXECUTE_FAIL' } }
  expect(await both).toMatchObject([failed, failed])
  expect(server.heard).toHaveLength(1)
})

test('[CALLS-10] asked for twice without a network it waits once, and is told once', async () => {
  const { rig, server, platform, cloud } = await setUp({ isUp: false })
  await rig.pass(1_000)
  const events: unknown[] = []
  cloud.on('called', event => events.push(event))
  const pending = { pending: true, key }
  expect(await Promise.all([cloud.callFunction(pay), cloud.callFunction(pay)])).toMatchObject([
    pending,
    pending,
  ])
  expect(await cloud.callFunction(pay)).toMatchObject(pending)
  expect(cloud.status().calls).toBe(1)
  platform.network.isUp = true
  await rig.pass(60_000)
  expect(server.heard).toHaveLength(1)
  expect(events).toMatchObject([{ key, result: { got: { n: 1 } } }])
  expect(cloud.status().calls).toBe(0)
})

test('[CALLS-10] who was told that it waits hears the event, though another hears by a promise', async () => {
  const { rig, server, cloud } = await setUp()
  const events: unknown[] = []
  cloud.on('called', event => events.push(event))
  server.fault = exchange => (exchange === 1 ? 'before' : undefined)
  expect(await cloud.callFunction(pay)).toMatchObject({ pending: true })
  const again = cloud.callFunction(pay)
  await rig.pass(10_000)
  expect(await again).toMatchObject({ result: { got: { n: 1 } } })
  expect(events).toMatchObject([{ key, result: { got: { n: 1 } } }])
})

test('[CALLS-10] with another name or other data it is another call', async () => {
  const { rig, cloud } = await setUp({ isUp: false })
  await rig.pass(1_000)
  for (const more of [{}, { name: 'refund' }, { data: { n: 2 } }])
    await cloud.callFunction({ ...pay, ...more })
  expect(cloud.status().calls).toBe(3)
})

test('[CALLS-6] it comes after the writes made before it', async () => {
  const { rig, server, platform, cloud } = await setUp({ isUp: false })
  await rig.pass(1_000)
  const todos = cloud.database().collection('todos')
  for (let i = 0; i < 3; i++) await todos.add({ data: { i } })
  await cloud.callFunction({ name: 'a', queue: true })
  platform.network.isUp = true
  await rig.pass(60_000)
  expect(server.heard).toMatchObject([{ todos: 3 }])
})

test('[CALLS-6] also after those that storage does not have yet', async () => {
  const { rig, server, platform, cloud } = await setUp()
  const resume = platform.medium('default.main').pause()
  const written = cloud
    .database()
    .collection('todos')
    .add({ data: { i: 1 } })
  const called = cloud.callFunction({ name: 'a', queue: true, key })
  await rig.pass(1_000)
  expect(server.heard).toEqual([])
  resume()
  await rig.pass(60_000)
  await Promise.all([written, called])
  expect(server.heard).toMatchObject([{ todos: 1 }])
})

test('[IDENTITY-12] [IDENTITY-15] calls that wait need a choice, and are made before their user becomes another', async () => {
  const { rig, server, platform, cloud } = await setUp()
  await rig.pass(1_000)
  server.fault = exchange => (exchange === 1 ? 'before' : undefined)
  expect(await cloud.callFunction({ name: 'a', queue: true, key })).toMatchObject({ pending: true })
  rig.server.tickets.set('ticket', 'anna')
  const auth = cloud.auth()
  await expect(auth.signInWithCustomTicket('ticket')).rejects.toMatchObject({
    code: 'INVALID_PARAM',
    details: { writes: 0, files: 0, calls: 1 },
  })
  const signing = auth.signInWithCustomTicket('ticket', { anonymousData: 'merge' })
  await rig.pass(60_000)
  expect((await signing).anonymousData).toMatchObject({ choice: 'merge', documents: 0 })
  expect(server.heard).toMatchObject([{ name: 'a', key }])
  expect(platform.medium('default.main.files').records.size).toBe(0)
})

test.each([
  [{ key: 'short' }, 'INVALID_PARAM'],
  [{ key: 'with a space' }, 'INVALID_PARAM'],
  [{ name: '' }, 'INVALID_PARAM'],
])('[CALLS-7] %j is refused before it is kept', async (more, code) => {
  const { cloud } = await setUp()
  await expect(cloud.callFunction({ name: 'a', queue: true, ...more })).rejects.toMatchObject({ code })
  expect(cloud.status().calls).toBe(0)
})

test('[CALLS-7] a thousand calls wait, and no more', async () => {
  const { rig, cloud } = await setUp({ isUp: false })
  await rig.pass(1_000)
  await Promise.all(Array.from({ length: 1_000 }, () => cloud.callFunction({ name: 'a', queue: true })))
  await expect(cloud.callFunction({ name: 'a', queue: true })).rejects.toMatchObject({
    code: 'EXCEED_REQUEST_LIMIT',
  })
})

test('[CALLS-8] without queue a call without a network fails at once', async () => {
  const { rig, cloud } = await setUp({ isUp: false })
  await rig.pass(1_000)
  cloud.goOffline()
  await expect(cloud.callFunction({ name: 'a' })).rejects.toMatchObject({ code: 'OFFLINE' })
  expect(cloud.status().calls).toBe(0)
})

test('[CALLS-9] the token for HTTP requests is the active user’s, once there was a connection', async () => {
  const { rig, platform, cloud } = await setUp({ isUp: false })
  await expect(cloud.auth().getAccessToken()).rejects.toMatchObject({ code: 'OFFLINE' })
  platform.network.isUp = true
  await rig.pass(60_000)
  expect(await cloud.auth().getAccessToken()).toEqual({ accessToken: 'access-of-user-1', env: 'default' })
})
