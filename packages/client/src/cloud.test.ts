import { CloudError } from '@nearcloud/protocol'
import { createAlipayDatabase, createCloudbaseDatabase } from '@nearcloud/query/dialects'
import { settle } from '@nearcloud/store/testing'
import { TestRig } from '@nearcloud/sync/testing'
import { expect, test } from 'vitest'
import { type Cloud, createCloud, type InitOptions } from './index.ts'
import { MemoryPlatform, ScriptedFiles } from './testing/index.ts'

const endpoint = 'http://cloud.test'

function setUp() {
  const rig = new TestRig()
  const files = new ScriptedFiles()
  rig.server.files = ask => files.ask(ask)
  const platform = new MemoryPlatform(rig, files.http)
  return { rig, files, platform, cloud: createCloud(platform) }
}

/** What a method in callback style told, in order. */
function callbacks() {
  const told: [name: string, what: unknown][] = []
  return {
    told,
    success: (result: unknown) => told.push(['success', result]),
    fail: (error: unknown) => told.push(['fail', error]),
    complete: (what: unknown) => told.push(['complete', what]),
  }
}

test('[INIT-1] before init everything says so, in the original’s words', async () => {
  const { cloud } = setUp()
  const words = /^Cloud API isn't enabled, please call init first/
  expect(() => cloud.database()).toThrow(words)
  expect(() => cloud.goOffline()).toThrow(words)
  expect(() => cloud.subscribe('todos')).toThrow(words)
  const methods: (keyof Cloud)[] = [
    'callFunction',
    'uploadFile',
    'downloadFile',
    'getTempFileURL',
    'deleteFile',
  ]
  for (const method of methods) {
    const call = cloud[method] as (options: object) => unknown
    await expect(call({})).rejects.toMatchObject({ errCode: -1, errMsg: expect.stringMatching(words) })
    const { told, ...options } = callbacks()
    call(options)
    expect(told).toEqual([])
    await settle()
    expect(told).toMatchObject([
      ['fail', { code: 'NOT_INITIALIZED' }],
      ['complete', { code: 'NOT_INITIALIZED' }],
    ])
  }
  await expect(cloud.ready()).rejects.toThrow(words)
  await expect(cloud.whenSynced()).rejects.toThrow(words)
  expect(cloud.status()).toMatchObject({ state: 'closed', pending: 0 })
  expect(cloud.isPending('todos', '1')).toBe(false)
})

test('[INIT-2] options that make no sense are refused at once', () => {
  const { cloud } = setUp()
  const hostile: unknown[] = [
    {},
    { endpoint: 'cloud.test' },
    { endpoint: 'ftp://cloud.test' },
    { endpoint: 7 },
    { endpoint, env: 'a b' },
    { endpoint, env: '../x' },
    { endpoint, store: 'a/b' },
    { endpoint, queryLimits: { default: 0, max: 1 } },
    { endpoint, subscribe: { todos: 'all' } },
    { endpoint, subscribe: ['todos'] },
    { endpoint, subscribe: { todos: { done: undefined } } },
    { endpoint, subscribe: { _files: true } },
    { endpoint, subscribe: [{ collection: 'a b' }] },
    { endpoint, durability: 'STRICT' },
    { endpoint, cache: { maxDocuments: -1 } },
    { endpoint, cache: { maxAgeMs: 0.5 } },
    { endpoint, cache: { maxAgeMs: '1 day' } },
    { endpoint, subscribe: [{ where: {} }] },
    { endpoint, subscribe: [{ collection: 'todos', prioritty: 'low' }] },
    { endpoint, subscribe: [{ collection: 'todos', priority: 'lowest' }] },
    { endpoint, subscribe: [{ collection: 'todos', where: 'all' }] },
  ]
  for (const options of hostile)
    expect(() => cloud.init(options as InitOptions), JSON.stringify(options)).toThrow(
      expect.objectContaining({ code: 'INVALID_PARAM', errMsg: expect.stringMatching(/^init:fail /) }),
    )
  expect(() => cloud.database()).toThrow(/please call init first/)
})

test('[INIT-3] the database may be used at once; what is asked waits for the store, in order', async () => {
  const { rig, cloud } = setUp()
  cloud.init({ endpoint })
  const todos = cloud.database().collection('todos')
  expect(cloud.status().state).toBe('opening')
  const sizes: number[] = []
  todos.watch({ onChange: ({ docs }) => sizes.push(docs.length), onError: () => undefined })
  const added = todos.add({ data: { _id: '1', n: 1 } })
  const updated = todos.doc('1').update({ data: { n: 2 } })
  await cloud.ready()
  await rig.pass()
  expect(await added).toMatchObject({ _id: '1', errMsg: 'collection.add:ok', pending: true })
  expect(await updated).toMatchObject({ stats: { updated: 1 } })
  await cloud.whenSynced()
  expect(rig.server.get('todos', '1')).toMatchObject({ _id: '1', n: 2 })
  expect(sizes.at(-1)).toBe(1)
})

test('[INIT-4] the last init wins, and may want the store of the one before', async () => {
  const { rig, cloud } = setUp()
  cloud.init({ endpoint })
  const before = cloud
    .database()
    .collection('todos')
    .add({ data: { _id: '1' } })
  cloud.init({ endpoint, queryLimits: { default: 1, max: 1 } })
  await cloud.ready()
  await before
  await cloud
    .database()
    .collection('todos')
    .add({ data: { _id: '2' } })
  await rig.pass()
  const { data } = await cloud.database().collection('todos').get()
  expect(data).toHaveLength(1)
  await cloud.whenSynced()
  expect(rig.server.all('todos')).toHaveLength(2)
  expect(rig.server.sessions.size).toBe(1)
})

test('[INIT-5] a store that another holds is told by everything that needs it', async () => {
  const { platform, cloud } = setUp()
  cloud.init({ endpoint })
  await cloud.ready()
  const second = createCloud(platform)
  second.init({ endpoint })
  await expect(second.ready()).rejects.toMatchObject({ code: 'STORE_IN_USE' })
  await expect(second.database().collection('todos').get()).rejects.toMatchObject({ code: 'STORE_IN_USE' })
  const errors: Error[] = []
  second
    .database()
    .collection('todos')
    .watch({ onChange: () => undefined, onError: error => errors.push(error) })
  await settle()
  expect(errors).toMatchObject([{ code: 'STORE_IN_USE' }])
  await second.close()
  await cloud.close()
  second.init({ endpoint })
  await second.ready()
})

test('[INIT-6] what init subscribes to is kept in step for good', async () => {
  const { rig, cloud } = setUp()
  rig.server.put('todos', { _id: '1', by: 'ann' })
  rig.server.put('todos', { _id: '2', by: 'bob' })
  rig.server.put('notes', { _id: '3' })
  cloud.init({ endpoint, subscribe: { todos: { by: 'ann' }, notes: true } })
  await cloud.whenSynced()
  await rig.pass(600_000)
  rig.server.put('notes', { _id: '4' })
  await rig.pass()
  cloud.goOffline()
  const notes = await cloud.database().collection('notes').get()
  expect(notes.data.map(({ _id }) => _id)).toEqual(['3', '4'])
  expect(notes.fromCache).toBeUndefined()
  const all = await cloud.database().collection('todos').get()
  expect(all.data.map(({ _id }) => _id)).toEqual(['1'])
  expect(all.fromCache).toBe(true)
})

test('[INIT-9] a list says more of what init subscribes to, and a condition stays a condition', async () => {
  const { rig, platform, cloud } = setUp()
  rig.server.put('todos', { _id: '1', priority: 'low', where: 'home' })
  rig.server.put('todos', { _id: '2', priority: 'high', where: 'home' })
  const told: unknown[] = []
  platform.network.fate = frame => {
    const message = JSON.parse(frame)
    if (message.type === 'hello')
      told.push(...message.subscriptions.map((each: { priority?: string }) => each.priority))
    return 'deliver'
  }
  cloud.init({ endpoint, subscribe: { todos: { priority: 'low', where: 'home' } } })
  await cloud.whenSynced()
  expect(
    (await cloud.database().collection('todos').where({ priority: 'low', where: 'home' }).get()).data,
  ).toHaveLength(1)
  expect(told).toEqual([undefined])
  cloud.init({
    endpoint,
    store: 'another',
    subscribe: [
      { collection: 'todos', where: { where: 'home' }, priority: 'low' },
      { collection: 'notes', priority: 'high' },
      { collection: 'notes', where: { n: 1 } },
    ],
  })
  await cloud.whenSynced()
  expect(told.slice(1)).toEqual(['low', 'high', undefined])
  cloud.goOffline()
  expect(await cloud.database().collection('todos').where({ where: 'home' }).count()).not.toHaveProperty(
    'fromCache',
  )
})

test('[INIT-10] what nobody follows any more is kept within the limits given', async () => {
  const { rig, cloud } = setUp()
  for (let i = 0; i < 10; i++) rig.server.put('todos', { _id: `t${i}` })
  const evicted: unknown[] = []
  cloud.on('evicted', detail => evicted.push(detail))
  cloud.init({ endpoint, cache: { maxDocuments: 4 } })
  const todos = cloud.database().collection('todos')
  const kept = todos.subscribe()
  await kept.ready
  await rig.pass(300_000)
  expect(evicted).toEqual([])
  kept.close()
  await rig.pass(300_000)
  expect(evicted).toEqual([{ collection: 'todos', count: 6 }])
  cloud.goOffline()
  expect(await todos.count()).toMatchObject({ total: 4, fromCache: true })
})

test('[INIT-7] another environment than the one of init is refused', async () => {
  const { cloud } = setUp()
  cloud.init({ endpoint, env: 'prod' })
  expect(() => cloud.database({ env: 'test' })).toThrow(expect.objectContaining({ code: 'INVALID_ENV' }))
  expect(cloud.database({ env: 'prod' })).toBeDefined()
  await expect(cloud.callFunction({ name: 'f', config: { env: 'test' } })).rejects.toMatchObject({
    code: 'INVALID_ENV',
  })
})

test('[CALLS-1] callFunction: promise and callbacks, in the original’s shapes', async () => {
  const { rig, cloud } = setUp()
  rig.server.call = (name, data) => ({ name, data })
  cloud.init({ endpoint })
  await cloud.ready()
  const result = await cloud.callFunction({ name: 'echo', data: { a: 1 } })
  expect(result).toEqual({
    result: { name: 'echo', data: { a: 1 } },
    errMsg: 'cloud.callFunction:ok',
    requestID: expect.stringMatching(/^[0-9a-f]+$/),
  })
  const { told, ...options } = callbacks()
  expect(cloud.callFunction({ name: 'echo', ...options })).toBeUndefined()
  await rig.pass()
  expect(told.map(([name]) => name)).toEqual(['success', 'complete'])
  expect(told[0]![1]).toBe(told[1]![1])
})

test('[CALLS-2] callFunction: failures, in the original’s words', async () => {
  const { rig, cloud } = setUp()
  rig.server.call = () => {
    throw new CloudError('FUNCTIONS_EXECUTE_FAIL', {
      errMsg: 'errCode: -504002 functions execute fail | errMsg: boom',
    })
  }
  cloud.init({ endpoint })
  await cloud.ready()
  await expect(cloud.callFunction({ name: 'f' })).rejects.toMatchObject({
    errCode: -504002,
    errMsg: 'cloud.callFunction:fail Error: errCode: -504002 functions execute fail | errMsg: boom',
  })
  await expect(cloud.callFunction({ name: '' })).rejects.toMatchObject({
    errCode: -501007,
    errMsg: expect.stringContaining('函数名不能为空'),
  })
  const circular: Record<string, unknown> = {}
  circular.self = circular
  await expect(cloud.callFunction({ name: 'f', data: circular })).rejects.toMatchObject({
    code: 'CIRCULAR_REFERENCE',
  })
  cloud.goOffline()
  const { told, ...options } = callbacks()
  cloud.callFunction({ name: 'f', ...options })
  await settle()
  expect(told.map(([name]) => name)).toEqual(['fail', 'complete'])
  expect(told[0]![1]).toMatchObject({ code: 'OFFLINE' })
})

test('[CALLS-3] every method of the original answers in both styles', async () => {
  await import('./upload.ts') // loaded apart, and so at once
  const { rig, files, cloud } = setUp()
  const fileID = 'cloud://default.nearcloud/a'
  files.stored.set(fileID, { bytes: Uint8Array.of(1), contentType: 'text/plain' })
  cloud.init({ endpoint })
  await cloud.ready()
  const calls = {
    uploadFile: { cloudPath: 'b', fileContent: Uint8Array.of(2) },
    downloadFile: { fileID },
    getTempFileURL: { fileList: [fileID] },
    deleteFile: { fileList: [fileID] },
  }
  for (const [name, given] of Object.entries(calls) as [keyof typeof calls, object][]) {
    const method = cloud[name] as (options: object) => unknown
    const { told, ...options } = callbacks()
    const returned = method({ ...given, ...options })
    const isTransfer = name === 'uploadFile' || name === 'downloadFile'
    expect(returned).toEqual(
      isTransfer
        ? {
            abort: expect.any(Function),
            onProgressUpdate: expect.any(Function),
            offProgressUpdate: expect.any(Function),
            onHeadersReceived: expect.any(Function),
            offHeadersReceived: expect.any(Function),
          }
        : undefined,
    )
    await rig.pass()
    expect(told.map(([style]) => style)).toEqual(['success', 'complete'])
    expect(told[0]![1]).toMatchObject({ errMsg: `${name}:ok` })
  }
})

test('[STATE-1] status and events say what waits, what was refused, and who we are', async () => {
  const { rig, cloud } = setUp()
  rig.server.judge = write => (write.id === 'no' ? 'the rule refused' : undefined)
  const names: string[] = []
  for (const name of ['pending', 'accepted', 'rejected', 'online', 'offline'] as const)
    cloud.on(name, () => names.push(name))
  cloud.init({ endpoint })
  cloud.goOffline() // before the store is open
  await cloud.ready()
  await rig.pass(60_000)
  expect(cloud.status()).toMatchObject({ state: 'offline', openid: undefined })
  const todos = cloud.database().collection('todos')
  await todos.add({ data: { _id: 'yes' } })
  await todos.add({ data: { _id: 'no' } })
  expect(cloud.status()).toMatchObject({ pending: 2, rejected: 0, volatile: true })
  expect(cloud.isPending('todos', 'no')).toBe(true)
  cloud.goOnline()
  await cloud.whenSynced()
  expect(cloud.status()).toEqual({
    state: 'online',
    pending: 0,
    arriving: [],
    uploads: 0,
    calls: 0,
    rejected: 1,
    openid: 'user-1',
    volatile: true,
  })
  expect(cloud.isPending('todos', 'no')).toBe(false)
  const { list } = cloud.rejections
  expect(list).toMatchObject([{ code: 'DATABASE_PERMISSION_DENIED', reason: 'the rule refused' }])
  await cloud.rejections.discard(list[0]!.id)
  expect(cloud.rejections.list).toEqual([])
  cloud.goOffline()
  expect(names).toEqual(['pending', 'pending', 'online', 'rejected', 'accepted', 'offline'])
})

test('[STATE-2] the host’s hints are followed', async () => {
  const { rig, platform, cloud } = setUp()
  cloud.init({ endpoint })
  await cloud.ready()
  await rig.pass()
  platform.network.isUp = false
  platform.hint('offline')
  expect(cloud.status().state).toBe('offline')
  await rig.pass(3_600_000)
  platform.network.isUp = true
  platform.hint('online')
  await settle()
  expect(cloud.status().state).toBe('online')
})

test('[STATE-3] a subscription is kept until it is closed', async () => {
  const { rig, cloud } = setUp()
  rig.server.put('todos', { _id: '1', by: 'ann' })
  cloud.init({ endpoint })
  const subscription = cloud.subscribe('todos', { by: 'ann' })
  await subscription.ready
  await rig.pass(600_000)
  rig.server.put('todos', { _id: '2', by: 'ann' })
  await rig.pass()
  cloud.goOffline()
  const mine = cloud.database().collection('todos').where({ by: 'ann' })
  expect(await mine.count()).toMatchObject({ total: 2 })
  expect((await mine.count()).fromCache).toBeUndefined()
  cloud.subscribe(mine).close()
  subscription.close()
  expect((await mine.count()).fromCache).toBe(true)
})

test('[STATE-6] a query subscribes by itself, and tells how much of it has come', async () => {
  const { rig, cloud } = setUp()
  for (let i = 0; i < 250; i++) rig.server.put('todos', { _id: `t${i}`, by: i % 2 ? 'ann' : 'bob' })
  cloud.init({ endpoint })
  const anns = cloud.database().collection('todos').where({ by: 'ann' })
  const told: unknown[] = []
  const heard: unknown[] = []
  cloud.on('progress', ({ done, total }) => heard.push([done, total]))
  const subscription = anns.subscribe({ onProgress: ({ done, total }) => told.push([done, total]) })
  await cloud.ready()
  expect(cloud.status().arriving).toMatchObject([{ collection: 'todos', done: 0 }])
  await subscription.ready
  expect(told).toEqual([
    [100, 125],
    [125, 125],
  ])
  expect(heard).toEqual(told)
  expect(cloud.status().arriving).toEqual([])
  cloud.goOffline()
  expect((await anns.count()).fromCache).toBeUndefined()
  subscription.close()
  expect((await anns.count()).fromCache).toBe(true)
  const closed = anns.subscribe()
  closed.close()
  await expect(closed.ready).rejects.toMatchObject({ code: 'ABORTED' })
})

test('[STATE-4] close ends everything, and what was written is found again', async () => {
  const { rig, platform, cloud } = setUp()
  cloud.init({ endpoint, store: 'notes' })
  await cloud
    .database()
    .collection('todos')
    .add({ data: { _id: '1' } })
  await cloud.close()
  await cloud.close()
  expect(rig.clock.waiting).toBe(0)
  expect(platform.network.connections).toBe(0)
  expect(() => cloud.database()).toThrow(/please call init first/)
  platform.network.isUp = false
  cloud.init({ endpoint, store: 'notes' })
  expect((await cloud.database().collection('todos').doc('1').get()).data).toMatchObject({ _id: '1' })
  await cloud.close({ destroy: true })
  cloud.init({ endpoint, store: 'notes' })
  await expect(cloud.database().collection('todos').doc('1').get()).rejects.toMatchObject({
    code: 'DOCUMENT_NOT_FOUND',
  })
})

test('[STATE-4] a device that was held offline begins online with another init', async () => {
  const { cloud } = setUp()
  cloud.init({ endpoint })
  cloud.goOffline()
  await cloud.close()
  cloud.init({ endpoint })
  await cloud.whenSynced()
  expect(cloud.status().state).toBe('online')
  await cloud.close()
})

test('[STATE-5] a storage that fails is an event', async () => {
  const { rig, platform, cloud } = setUp()
  const errors: CloudError[] = []
  cloud.on('error', error => errors.push(error))
  cloud.init({ endpoint })
  await cloud.ready()
  await rig.pass()
  platform.medium('default.main').faultAt(1, 'full')
  await expect(
    cloud
      .database()
      .collection('todos')
      .add({ data: { _id: '1' } }),
  ).rejects.toMatchObject({
    code: 'STORE_FULL',
  })
  expect(errors).toMatchObject([{ code: 'STORE_FULL' }])
})

test('[INIT-8] the database is had in another dialect, over the same store', async () => {
  const { cloud } = setUp()
  cloud.init({ endpoint })
  const cloudbase = cloud.database({ as: createCloudbaseDatabase })
  const { id } = await cloudbase.collection('todos').add({ title: 'tea' })
  const { data } = await cloudbase.collection('todos').doc(id).get()
  expect(data).toMatchObject([{ _id: id, title: 'tea' }])
  const alipay = cloud.database({ as: createAlipayDatabase })
  expect(
    await alipay
      .collection('todos')
      .doc(id)
      .update({ data: { title: 'green tea' } }),
  ).toEqual({ count: 1 })
  expect((await cloud.database().collection('todos').doc(id).get()).data).toMatchObject({
    _id: id,
    title: 'green tea',
  })
})
