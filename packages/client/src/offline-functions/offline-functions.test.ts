import { createHash } from 'node:crypto'
import { CloudError, seedOfCall, toHex } from '@nearcloud/protocol'
import { settle } from '@nearcloud/store/testing'
import { TestRig } from '@nearcloud/sync/testing'
import { expect, test } from 'vitest'
import { type Cloud, createCloud, type HttpRequest, type HttpResponse } from '../index.ts'
import { MemoryPlatform } from '../testing/index.ts'
import sdk, { type GivenFunction, offlineFunctions } from './index.ts'

// ---- functions, as their files say them ---------------------------------------------------------------------------

sdk.init({ env: sdk.DYNAMIC_CURRENT_ENV })
const db = sdk.database()
const _ = db.command

/** Adds a todo, and counts it. */
async function addTodo({ text }: { text: string }) {
  const { OPENID } = sdk.getWXContext()
  const { _id } = await db.collection('todos').add({ data: { text, by: OPENID, done: false } })
  await db
    .collection('counters')
    .doc('todos')
    .update({ data: { n: _.inc(1) } })
  return { id: _id, when: new Date(5) }
}

async function transfer({ from, to, amount }: { from: string; to: string; amount: number }) {
  if (!(amount > 0)) throw new Error('an amount is more than 0')
  return db.runTransaction(async transaction => {
    const accounts = transaction.collection('accounts')
    const { data } = await accounts.doc(from).get()
    if ((data as unknown as { balance: number }).balance < amount) throw new Error('not enough')
    await accounts.doc(from).update({ data: { balance: _.inc(-amount) } })
    await accounts.doc(to).update({ data: { balance: _.inc(amount) } })
    const after = await accounts.doc(from).get()
    return (after.data as unknown as { balance: number }).balance
  })
}

const given = { addTodo: { main: addTodo }, transfer: { default: { main: transfer } } } as unknown as Record<
  string,
  GivenFunction
>

// ---- a server whose functions are what a test says ------------------------------------------------------------------

type Said = readonly [status: number, body: unknown]

async function setUp({ isUp = true, functions = given }: { isUp?: boolean; functions?: object } = {}) {
  const rig = new TestRig()
  rig.server.put('counters', { _id: 'todos', n: 0 })
  for (const _id of ['a', 'b']) rig.server.put('accounts', { _id, balance: 100 })
  const server = {
    heard: [] as { name: string; key: string; data: unknown }[],
    /** Does what the function does; told with the version. */
    run: (_key: string): unknown => null,
    reply: async (said: Said): Promise<Said> => said,
  }
  const http = async (request: HttpRequest): Promise<HttpResponse> => {
    const name = /\/functions\/(.*)$/.exec(request.url)![1]!
    const key = request.headers!['idempotency-key']!
    server.heard.push({ name, key, data: JSON.parse(request.body as string) })
    const done = () => {
      try {
        return [200, { result: server.run(key), requestId: 'r', version: rig.server.version }] as const
      } catch (thrown) {
        const { message: errMsg } = thrown as Error
        return [500, { code: 'FUNCTIONS_EXECUTE_FAIL', errMsg, version: rig.server.version }] as const
      }
    }
    const [status, said] = await server.reply(done())
    return { status, headers: {}, body: new TextEncoder().encode(JSON.stringify(said)) }
  }
  const platform = new MemoryPlatform(rig, http)
  const open = async (more: object = { functions: offlineFunctions(functions as typeof given) }) => {
    const cloud = createCloud(platform)
    cloud.init({
      endpoint: 'http://cloud.test',
      subscribe: { todos: true, counters: true, accounts: true },
      ...more,
    })
    await cloud.ready()
    await settle()
    return cloud
  }
  const cloud = await open()
  await rig.pass(1_000)
  if (!isUp) cloud.goOffline()
  const called: unknown[] = []
  cloud.on('called', event => called.push(event))
  return { rig, server, platform, cloud, open, called }
}

const list = async (cloud: Cloud, name: string) => (await cloud.database().collection(name).get()).data

/** What a watch of the todos and one of their counter said, as one line for each time. */
function watched(cloud: Cloud): string[] {
  const seen: string[] = []
  const stop = { onError: (error: Error) => seen.push(error.message) }
  cloud
    .database()
    .collection('todos')
    .watch({ ...stop, onChange: ({ docs }) => seen.push(`todos ${docs.map(each => each.text).join()}`) })
  cloud
    .database()
    .collection('counters')
    .watch({ ...stop, onChange: ({ docs }) => seen.push(`n ${docs[0]?.n}`) })
  return seen
}

/** What `addTodo` does on the server, in two commits, with somebody else's between them. */
function adds(rig: TestRig, openid: string, id: (key: string) => string) {
  return (key: string) => {
    rig.server.put('todos', { _id: id(key), text: 'milk', by: openid, done: false })
    rig.server.put('todos', { _id: 'else', text: 'else' })
    const n = Number(rig.server.get('counters', 'todos')!.n)
    rig.server.put('counters', { _id: 'todos', n: n + 1 })
    return { id: id(key) }
  }
}

const idOf = (openid: string, key: string, nth = 0) =>
  toHex(
    createHash('sha256')
      .update(`${seedOfCall(openid, key)}\n${nth}`)
      .digest()
      .subarray(0, 16),
  )

const milk = { name: 'addTodo', data: { text: 'milk' } } as const

// ---- rules ----------------------------------------------------------------------------------------------------------

test('[OFFLINE-FN-1] it runs here at once: its result, its effects in one change, and nothing is pushed', async () => {
  const { rig, server, cloud } = await setUp({ isUp: false })
  const seen = watched(cloud)
  await settle()
  const { openid } = cloud.status()
  const called = await cloud.callFunction(milk)
  const id = (called.result as { id: string }).id
  expect(called).toMatchObject({
    result: { id, when: '1970-01-01T00:00:00.005Z' },
    pending: true,
    key: expect.stringMatching(/^[0-9a-f]{32}$/),
  })
  expect(await list(cloud, 'todos')).toEqual([{ _id: id, text: 'milk', by: openid, done: false }])
  expect(seen).toEqual(['todos ', 'n 0', 'todos milk', 'n 1'])
  expect(cloud.isPending('todos', id)).toBe(true)
  expect(cloud.status()).toMatchObject({ calls: 1, pending: 0 })
  expect([rig.server.executed, server.heard]).toEqual([[], []])
})

test('[OFFLINE-FN-2] a document it adds has the id that the server’s run gives it', async () => {
  const { cloud } = await setUp({ isUp: false })
  const { openid } = cloud.status()
  const { result } = await cloud.callFunction({ ...milk, key: 'milk-0001' })
  expect(result).toMatchObject({ id: idOf(openid!, 'milk-0001') })
})

test.each(['changes first', 'answer first'])(
  '[OFFLINE-FN-3] its effects give way to the server’s in one change, whatever comes first: %s',
  async order => {
    const { rig, server, cloud, called } = await setUp()
    const openid = cloud.status().openid!
    const seen = watched(cloud)
    await settle()
    server.run = adds(rig, openid, key => idOf(openid, key))
    const gate = withResolvers()
    server.reply = async said => {
      if (order === 'changes first') await gate.promise
      return said
    }
    const { key } = await cloud.callFunction(milk)
    await rig.pass(2_000)
    if (order === 'changes first') {
      // the server has said all of it, and nobody has seen any
      expect(rig.server.get('counters', 'todos')).toMatchObject({ n: 1 })
      expect(seen).toEqual(['todos ', 'n 0', 'todos milk', 'n 1'])
    }
    gate.resolve()
    await rig.pass(10_000)
    expect(seen).toEqual(['todos ', 'n 0', 'todos milk', 'n 1', 'todos else,milk'].map(fit(seen)))
    expect(called).toMatchObject([{ key, result: { id: idOf(openid, key!) } }])
    expect(cloud.isPending('counters', 'todos')).toBe(false)
    expect(cloud.status().calls).toBe(0)
  },
)

function withResolvers() {
  let resolve = () => {}
  const promise = new Promise<void>(done => {
    resolve = done
  })
  return { promise, resolve }
}

/** The order of two documents is no matter. */
function fit(seen: readonly string[]): (line: string, at: number) => string {
  return (line, at) => ([...(seen[at] ?? '')].sort().join() === [...line].sort().join() ? seen[at]! : line)
}

test('[OFFLINE-FN-3] where the server did otherwise, that is what is there', async () => {
  const { rig, server, cloud } = await setUp()
  server.run = () => {
    rig.server.put('todos', { _id: 'other', text: 'MILK' })
    return { id: 'other' }
  }
  await cloud.callFunction(milk)
  await rig.pass(10_000)
  expect(await list(cloud, 'todos')).toEqual([{ _id: 'other', text: 'MILK' }])
  expect(await list(cloud, 'counters')).toEqual([{ _id: 'todos', n: 0 }])
})

test('[OFFLINE-FN-3] a server that does not tell the version is caught up with', async () => {
  const { rig, server, cloud } = await setUp()
  const openid = cloud.status().openid!
  server.run = adds(rig, openid, key => idOf(openid, key))
  server.reply = async ([status, said]) => [status, { ...(said as object), version: undefined }]
  await cloud.callFunction(milk)
  await rig.pass(10_000)
  expect(await list(cloud, 'counters')).toEqual([{ _id: 'todos', n: 1 }])
  expect(await list(cloud, 'todos')).toHaveLength(2)
})

test('[OFFLINE-FN-3] a function that takes long keeps what others write out of sight for five seconds, not more', async () => {
  const { rig, server, cloud } = await setUp()
  const seen = watched(cloud)
  await settle()
  server.reply = () => new Promise(() => undefined)
  await cloud.callFunction(milk)
  await settle()
  rig.server.put('todos', { _id: 'else', text: 'else' })
  await rig.pass(4_000)
  expect(seen).toEqual(['todos ', 'n 0', 'todos milk', 'n 1'])
  await rig.pass(2_000)
  expect(seen.slice(4)).toEqual([expect.stringContaining('else')])
})

test('[OFFLINE-FN-4] what the server’s run throws takes the effects away, and is told', async () => {
  const { rig, server, cloud, called } = await setUp()
  const seen = watched(cloud)
  await settle()
  server.run = () => {
    throw new Error('errCode: -504002 functions execute fail | errMsg: no milk today')
  }
  const { key } = await cloud.callFunction(milk)
  await rig.pass(10_000)
  expect(seen).toEqual(['todos ', 'n 0', 'todos milk', 'n 1', 'todos ', 'n 0'])
  expect(called).toMatchObject([{ key, name: 'addTodo', error: { code: 'FUNCTIONS_EXECUTE_FAIL' } }])
  const waiting = cloud.callFunction({ ...milk, queue: true })
  waiting.catch(() => undefined)
  await rig.pass(10_000)
  await expect(waiting).rejects.toMatchObject({
    code: 'FUNCTIONS_EXECUTE_FAIL',
    errMsg: expect.stringContaining('no milk today'),
  })
  expect(await list(cloud, 'todos')).toEqual([])
})

test('[OFFLINE-FN-4] with `queue` it waits for the server’s result', async () => {
  const { rig, server, cloud, called } = await setUp()
  server.run = () => 'from the server'
  const waiting = cloud.callFunction({ ...milk, queue: true })
  await rig.pass(10_000)
  expect(await waiting).toMatchObject({ result: 'from the server' })
  expect(called).toEqual([])
})

test('[OFFLINE-FN-5] closed before it was sent, the app shows the effects again, and they give way all the same', async () => {
  const { rig, server, platform, cloud, open } = await setUp({ isUp: false })
  const openid = cloud.status().openid!
  server.run = adds(rig, openid, key => idOf(openid, key))
  const { key } = await cloud.callFunction(milk)
  platform.restart()

  platform.network.isUp = false
  const again = await open()
  const seen = watched(again)
  await rig.pass(1_000)
  expect([...seen].sort()).toEqual(['n 1', 'todos milk'])
  platform.network.isUp = true
  await rig.pass(60_000)
  expect(server.heard).toMatchObject([{ name: 'addTodo', key, data: { text: 'milk' } }])
  expect(seen.filter(line => line.startsWith('n'))).toEqual(['n 1'])
  expect(await list(again, 'todos')).toHaveLength(2)
  expect(again.status().calls).toBe(0)
})

test('[OFFLINE-FN-5] an answer that is lost is asked for again; the call counts once', async () => {
  const { rig, server, cloud } = await setUp()
  const openid = cloud.status().openid!
  const does = adds(rig, openid, key => idOf(openid, key))
  const done = new Set<string>()
  server.run = key => (done.has(key) ? null : done.add(key) && does(key))
  let lost = 2
  server.reply = async said => {
    if (lost-- > 0) throw new CloudError('OFFLINE', { errMsg: 'cut' })
    return said
  }
  await cloud.callFunction(milk)
  await rig.pass(60_000)
  expect(new Set(server.heard.map(({ key }) => key)).size).toBe(1)
  expect(await list(cloud, 'counters')).toEqual([{ _id: 'todos', n: 1 }])
  expect(cloud.isPending('counters', 'todos')).toBe(false)
})

test('[OFFLINE-FN-5] an app that does not run it any more shows the documents without it; the call goes', async () => {
  const { rig, server, platform, cloud, open } = await setUp({ isUp: false })
  await cloud.callFunction(milk)
  platform.restart()
  platform.network.isUp = false
  const again = await open({})
  expect(await list(again, 'todos')).toEqual([])
  platform.network.isUp = true
  await rig.pass(60_000)
  expect(server.heard).toHaveLength(1)
})

test('[OFFLINE-FN-6] what is written behind it goes when the server has run it, and knew of it', async () => {
  const { rig, server, cloud } = await setUp({ isUp: false })
  const openid = cloud.status().openid!
  await cloud
    .database()
    .collection('todos')
    .add({ data: { _id: 'before', text: 'before' } })
  const { result } = await cloud.callFunction(milk)
  const { id } = result as { id: string }
  const todo = cloud.database().collection('todos').doc(id)
  await todo.update({ data: { done: true } })
  const does = adds(rig, openid, key => idOf(openid, key))
  server.run = key => {
    expect(rig.server.all('todos').map(({ _id }) => _id)).toEqual(['before'])
    return does(key)
  }
  cloud.goOnline()
  await rig.pass(60_000)
  expect(rig.server.get('todos', id)).toMatchObject({ text: 'milk', done: true })
  expect((await todo.get()).data).toMatchObject({ text: 'milk', done: true })
  expect(cloud.status()).toMatchObject({ pending: 0, calls: 0, rejected: 0 })
  expect(rig.server.violations).toEqual([])
})

test('[OFFLINE-FN-7] what it throws of its data alone is told at once, and nothing waits', async () => {
  const { cloud, server } = await setUp({ isUp: false })
  await expect(
    cloud.callFunction({ name: 'transfer', data: { from: 'a', to: 'b', amount: -1 } }),
  ).rejects.toMatchObject({
    code: 'FUNCTIONS_EXECUTE_FAIL',
    errMsg:
      'cloud.callFunction:fail Error: errCode: -504002 functions execute fail | errMsg: an amount is more than 0',
  })
  expect(cloud.status().calls).toBe(0)
  expect(server.heard).toEqual([])
})

test('[OFFLINE-FN-7] what it throws of what it read here the server decides; nothing of it is seen', async () => {
  const { rig, cloud, server } = await setUp()
  server.run = () => 5
  const waiting = cloud.callFunction({ name: 'transfer', data: { from: 'a', to: 'b', amount: 1_000 } })
  await rig.pass(1_000)
  expect(await waiting).toMatchObject({ result: 5 })
  expect(await list(cloud, 'accounts')).toMatchObject([{ balance: 100 }, { balance: 100 }])
  cloud.goOffline()
  expect(
    await cloud.callFunction({ name: 'transfer', data: { from: 'a', to: 'b', amount: 1_000 } }),
  ).toMatchObject({ pending: true, result: null })
})

test('[OFFLINE-FN-8] transactions, queries and aggregations see what the run has written; a rollback leaves nothing', async () => {
  const rolls = async () => {
    const accounts = db.collection('accounts')
    await accounts.where({ balance: _.gte(100) }).update({ data: { balance: _.inc(5) } })
    await accounts.add({ data: { _id: 'c', balance: 1 } })
    await accounts.doc('b').remove()
    await db
      .runTransaction(async transaction => {
        await transaction.collection('accounts').doc('a').remove()
        throw new Error('not so')
      })
      .catch(() => undefined)
    const { list: sums } = await accounts
      .aggregate()
      .group({ _id: null, sum: db.command.aggregate.sum('$balance') })
      .end()
    const { data } = await accounts.orderBy('balance', 'asc').get()
    const { total } = await accounts.count()
    return { sums, ids: data.map(({ _id }) => _id), total }
  }
  const { cloud } = await setUp({ isUp: false, functions: { ...given, rolls } })
  expect((await cloud.callFunction({ name: 'rolls' })).result).toEqual({
    sums: [{ _id: null, sum: 106 }],
    ids: ['c', 'a'],
    total: 2,
  })
  const moved = await cloud.callFunction({ name: 'transfer', data: { from: 'a', to: 'c', amount: 30 } })
  expect(moved.result).toBe(75)
  expect(await list(cloud, 'accounts')).toEqual([
    { _id: 'a', balance: 75 },
    { _id: 'c', balance: 31 },
  ])
})

test.each([
  ['files', () => sdk.uploadFile()],
  ['other functions', () => sdk.callFunction()],
  ['openapi', () => (sdk.openapi as { a: { b(): unknown } }).a.b()],
  ['queues', () => sdk.queue().send()],
  ['indexes', () => db.collection('todos').createIndex({ keys: { text: 1 } } as never)],
])(
  '[OFFLINE-FN-9] a function that asks for %s is left to the server, whatever it did',
  async (_name, asks) => {
    const wants = async (event: object) => {
      await addTodo(event as never)
      await Promise.resolve(asks()).catch(() => undefined)
      return 'here'
    }
    const { cloud } = await setUp({ isUp: false, functions: { wants } })
    expect(await cloud.callFunction({ name: 'wants', data: { text: 'milk' } })).toMatchObject({
      pending: true,
      result: null,
    })
    expect(await list(cloud, 'todos')).toEqual([])
    expect(cloud.status().calls).toBe(1)
  },
)

test('[OFFLINE-FN-9] before the device knows who calls, the server is asked', async () => {
  const { rig, server, platform } = await setUp()
  platform.network.isUp = false
  const fresh = createCloud(platform)
  fresh.init({ endpoint: 'http://cloud.test', store: 'fresh', functions: offlineFunctions(given) })
  await fresh.ready()
  await rig.pass(1_000)
  expect(await fresh.callFunction(milk)).toMatchObject({ pending: true, result: null })
  expect(await list(fresh, 'todos')).toEqual([])
  expect(server.heard).toEqual([])
})

test('[OFFLINE-FN-10] one that does not come to an end is left to the server, and so are all until it does', async () => {
  const gate = withResolvers()
  const hangs = async () => {
    await gate.promise
    return 'late'
  }
  const { rig, cloud } = await setUp({ isUp: false, functions: { ...given, hangs } })
  const hanging = cloud.callFunction({ name: 'hangs' })
  await rig.pass(3_000)
  expect(await hanging).toMatchObject({ pending: true, result: null })
  expect(await cloud.callFunction(milk)).toMatchObject({ pending: true, result: null })
  gate.resolve()
  await settle()
  expect(await cloud.callFunction(milk)).toMatchObject({ result: { id: expect.any(String) } })
})

test('[OFFLINE-FN-10] they run one after the other, and outside of a run the database answers nothing', async () => {
  let left: Promise<unknown> = Promise.resolve()
  const leaves = async () => {
    left = settle().then(() => db.collection('todos').get())
    left.catch(() => undefined)
  }
  const { cloud } = await setUp({ isUp: false, functions: { ...given, leaves } })
  const both = await Promise.all([cloud.callFunction(milk), cloud.callFunction(milk)])
  expect(new Set(both.map(({ result }) => (result as { id: string }).id)).size).toBe(2)
  expect(await list(cloud, 'counters')).toEqual([{ _id: 'todos', n: 2 }])
  await cloud.callFunction({ name: 'leaves' })
  await expect(left).rejects.toMatchObject({ code: 'ABORTED' })
})

test('[OFFLINE-FN-1] asked for twice with one key it is there once', async () => {
  const { cloud } = await setUp({ isUp: false })
  for (let time = 0; time < 2; time++) await cloud.callFunction({ ...milk, key: 'milk-0001' })
  expect(await list(cloud, 'todos')).toHaveLength(1)
  expect(await list(cloud, 'counters')).toEqual([{ _id: 'todos', n: 1 }])
  expect(cloud.status().calls).toBe(1)
})

test('[OFFLINE-FN-1] what is no function is refused when it is given', () => {
  expect(() => offlineFunctions({ pay: {} as never })).toThrow('"pay" is neither a function')
})
