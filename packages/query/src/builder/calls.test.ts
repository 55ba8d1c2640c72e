import { CloudError } from '@nearcloud/protocol'
import { expect, test } from 'vitest'
import { MemoryExecutor } from '../testing/memory-executor.ts'
import type { Commit } from '../types.ts'
import { answer } from './callbacks.ts'
import { createDatabase, type Database } from './database.ts'
import type { WatchSnapshot } from './results.ts'

function open(side: 'client' | 'server'): Database {
  let id = 0
  const limits = { default: 20, max: 20 }
  return createDatabase(new MemoryExecutor(5_000), { newId: () => `id${++id}`, limits, side })
}

test('[API-10] a collection is there when it is named: createCollection only tells whether it has documents', async () => {
  const db = open('server')
  expect(await db.createCollection('c')).toEqual({ errMsg: 'createCollection:ok' })
  await db.collection('c').add({ data: {} })
  await expect(db.createCollection('c')).rejects.toMatchObject({
    errCode: -502001,
    errMsg: expect.stringMatching(/^createCollection:fail -502001 .*Table exist/),
  })
  await expect(db.createCollection('')).rejects.toThrow('Collection name is required')
  await expect(open('client').createCollection('c')).rejects.toMatchObject({ code: 'INVALID_PARAM' })
})

test('[API-11] every method answers through callbacks on the client, with the words of its own name', async () => {
  const c = open('client').collection('c')
  const all = c.where({})
  const doc = c.doc('x')
  const data = { a: 1 }
  const methods: Record<string, (options: { complete(result: unknown): void }) => unknown> = {
    'collection.add:ok': options => c.add({ data, ...options }),
    'collection.get:ok': options => c.get(options),
    'collection.count:ok': options => all.count(options),
    'collection.update:ok': options => all.update({ data, ...options }),
    'collection.remove:ok': options => all.remove(options),
    'document.set:ok': options => doc.set({ data, ...options }),
    'document.get:ok': options => doc.get(options),
    'document.update:ok': options => doc.update({ data, ...options }),
    'document.remove:ok': options => doc.remove(options),
  }
  for (const [errMsg, method] of Object.entries(methods)) {
    const result = await new Promise<unknown>(complete => {
      expect(method({ complete })).toBeUndefined()
    })
    expect(result).toMatchObject({ errMsg })
  }
})

test('[API-12] complete is told even when success or fail throws', async () => {
  for (const work of [
    async () => 'done',
    () => Promise.reject(new CloudError('OFFLINE', { errMsg: 'no' })),
  ]) {
    const told: unknown[] = []
    const surfaced = new Promise(resolve => process.once('unhandledRejection', resolve))
    const broken = (): never => {
      throw new Error('in a callback of the app')
    }
    const options = { success: broken, fail: broken, complete: (result: unknown) => told.push(result) }
    expect(answer('api', options, 'both', work)).toBeUndefined()
    expect(await surfaced).toMatchObject({ message: 'in a callback of the app' })
    expect(told).toHaveLength(1)
  }
})

test('[API-13] an error has a code, the original’s number, and its words twice', async () => {
  const db = open('client')
  await db.collection('c').add({ data: { _id: 'x' } })
  const again = db.collection('c').add({ data: { _id: 'x' } })
  const error = await again.then(String, (thrown: CloudError) => thrown)
  expect(error).toBeInstanceOf(Error)
  expect(error).toMatchObject({ code: 'DUPLICATE_ID', errCode: -502001 })
  const { errMsg, message } = error as CloudError
  expect(errMsg).toMatch(/^collection\.add:fail -502001 database request fail\. E11000 duplicate key/)
  expect(message).toBe(errMsg)
  const failed = await new Promise(fail => db.collection('c').add({ data: { _id: 'x' }, fail }))
  expect(failed).toMatchObject({ errCode: -502001, errMsg })
})

test('[API-17] every write may wait for the server, on both sides, and says what had been overtaken', async () => {
  for (const side of ['client', 'server'] as const) {
    const asked: unknown[] = []
    const overtaken = Object.assign(new MemoryExecutor(), {
      async commit(commit: Commit) {
        asked.push('wait' in commit ? commit.wait : undefined)
        const counts = { ids: ['x'], updated: 1, removed: 0, created: 0 }
        return { ...counts, pending: !('wait' in commit), superseded: ['c/x/a'] }
      },
    })
    const limits = { default: 20, max: 20 }
    const c = createDatabase(overtaken, { newId: () => 'x', limits, side }).collection('c')
    const data = { a: 1 }
    const wait = 'server' as const
    const writes = (more: object) => [
      c.add({ data, ...more }),
      c.doc('x').update({ data, ...more }),
      c.doc('x').set({ data, ...more }),
      c.doc('x').remove(more),
      c.where({}).update({ data, ...more }),
      c.where({}).remove(more),
    ]
    for (const result of await Promise.all(writes({ wait }))) {
      expect(result).toMatchObject({ superseded: ['c/x/a'] })
      expect(result).not.toHaveProperty('pending')
    }
    for (const result of await Promise.all(writes({}))) expect(result).toMatchObject({ pending: true })
    expect(asked).toEqual([...Array(6).fill('server'), ...Array(6).fill(undefined)])
    for (const hostile of [null, true, 'Server', 'local', {}])
      for (const write of writes({ wait: hostile }))
        await expect(write).rejects.toMatchObject({
          code: 'INVALID_PARAM',
          errMsg: expect.stringContaining("wait is 'server'"),
        })
    expect(asked).toHaveLength(12)
  }
})

test('[API-14] a watch begins with what is there, nothing included, and ends with close', async () => {
  const c = open('client').collection('c')
  const told: WatchSnapshot[] = []
  let wake = () => {}
  const first = new Promise<void>(resolve => {
    wake = resolve
  })
  const watcher = c.orderBy('n', 'desc').watch({
    onChange(snapshot) {
      told.push(snapshot)
      wake()
    },
    onError: wake,
  })
  await first
  expect(told).toEqual([{ id: 0, type: 'init', docs: [], docChanges: [] }])
  const at = new Date(7)
  await c.add({ data: { _id: 'a', n: 1, at, gone: 1 } })
  await c.doc('a').update({ data: { n: 2, o: { k: 1 }, gone: open('client').command.remove() } })
  await c.doc('a').set({ data: { n: 3 } })
  await c.doc('a').remove()
  expect(told.map(({ id }) => id)).toEqual([0, 1, 2, 3, 4])
  expect(told.slice(1).flatMap(({ docChanges }) => docChanges)).toMatchObject([
    { queueType: 'enqueue', dataType: 'add', docId: 'a', doc: { _id: 'a', n: 1, at } },
    {
      queueType: 'update',
      dataType: 'update',
      updatedFields: { n: 2, o: { k: 1 } },
      removedFields: ['gone'],
    },
    { queueType: 'update', dataType: 'replace', doc: { _id: 'a', n: 3 } },
    { queueType: 'dequeue', dataType: 'remove', doc: { _id: 'a', n: 3 } },
  ])
  told[1]!.docs[0]!.n = 'mine'
  expect(told[1]!.docChanges[0]!.doc.n).toBe(1)
  const { updatedFields, removedFields } = told[2]!.docChanges[0]!
  Object.assign(updatedFields!.o as object, { k: 'mine' })
  removedFields!.push('mine')
  expect(told[2]!.docs[0]!.o).toEqual({ k: 1 })
  expect(await watcher.close()).toBeUndefined()
  await c.add({ data: {} })
  expect(told).toHaveLength(5)
})

test('[API-15] what a watch cannot be is told at once', () => {
  const c = open('client').collection('c')
  const observer = { onChange() {}, onError() {} }
  expect(() => c.skip(1).watch(observer)).toThrow(/^collection.watch:fail -501007 .*skip/)
  expect(() => c.field({ a: true }).watch(observer)).toThrow('field')
  expect(() => c.doc('x').field({ a: true }).watch(observer)).toThrow(/^document.watch:fail/)
  for (const missing of [undefined, {}, { onChange() {} }, { onError() {} }])
    expect(() => c.watch(missing as never)).toThrow('both needed')
})
