import { CloudError } from '@nearcloud/protocol'
import { beforeEach, expect, test } from 'vitest'
import { MemoryExecutor } from '../testing/memory-executor.ts'
import { type AlipayDatabase, AlipayError, createAlipayDatabase, Sort } from './index.ts'

let executor: MemoryExecutor
let db: AlipayDatabase
let _: AlipayDatabase['command']

beforeEach(() => {
  let id = 0
  executor = new MemoryExecutor(5_000)
  db = createAlipayDatabase(executor, { newId: () => `id${++id}`, side: 'client' })
  _ = db.command
})

async function rejection(promise: Promise<unknown>): Promise<AlipayError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(AlipayError)
  return error as AlipayError
}

test('[DIALECT-8] Alipay: bare documents, bare lists, numbers, and counts', async () => {
  const c = db.collection('c')
  expect(c.name).toBe('c')
  expect(await c.add({ data: { a: 1 } })).toEqual({ _id: 'id1' })
  expect(await c.add({ data: { _id: 'x', a: 2, o: { k: 1 } } })).toEqual({ _id: 'x' })
  expect(await c.get()).toEqual([
    { _id: 'id1', a: 1 },
    { _id: 'x', a: 2, o: { k: 1 } },
  ])
  expect(await c.count()).toBe(2)
  expect(await c.doc('x').get()).toEqual({ _id: 'x', a: 2, o: { k: 1 } })
  expect(await c.doc('x').update({ data: { o: { z: 1 } } })).toEqual({ count: 1 })
  expect(await c.doc('x').projection({ o: true }).get()).toEqual({ _id: 'x', o: { k: 1, z: 1 } })
  expect(await c.doc('x').field({ o: false }).get()).toEqual({ _id: 'x', a: 2 })
  expect(await c.doc('x').set({ data: { a: 5 } })).toEqual({ count: 1 })
  expect(await c.doc('new').set({ data: { a: 6 } })).toEqual({ count: 1 })
  expect(await c.where({ a: _.gt(1) }).update({ data: { a: _.inc(1) } })).toEqual({ count: 2 })
  expect(await c.where({ a: 1 }).remove()).toEqual({ count: 1 })
  expect(await c.doc('x').remove()).toEqual({ count: 1 })
  expect(await c.doc('x').remove()).toEqual({ count: 0 })
})

test('[DIALECT-9] Alipay: projection beside field, Sort for the order, 100 documents without a limit', async () => {
  const c = db.collection('c')
  for (let n = 0; n < 101; n++) await c.add({ data: { _id: n, n } })
  expect(await c.get()).toHaveLength(100)
  expect(await c.limit(101).get()).toHaveLength(101)
  const last = c.orderBy('n', Sort.DESC).skip(1).limit(2)
  expect(await last.projection({ n: true, _id: false }).get()).toEqual([{ n: 99 }, { n: 98 }])
  expect(await last.field({ n: false }).get()).toEqual([{ _id: 99 }, { _id: 98 }])
  expect(await c.orderBy('n', Sort.ASC).limit(1).get()).toEqual([{ _id: 0, n: 0 }])
})

test('[DIALECT-10] Alipay: a missing document is NOT_FOUND; errors have its numbers', async () => {
  const c = db.collection('c')
  expect(await rejection(c.doc('no').get())).toMatchObject({
    code: 'NOT_FOUND',
    error: 60_005,
    errorMessage: expect.stringMatching(/^cannot find document with _id no/),
  })
  const noData = await rejection(c.add(undefined as never))
  expect(noData).toMatchObject({ code: 'INVALID_PARAM', error: 60_001 })
  expect(noData.message).toBe('parameter.data should be object instead of undefined;')
  await c.add({ data: { _id: 'x' } })
  expect(await rejection(c.add({ data: { _id: 'x' } }))).toMatchObject({ code: 'DUPLICATE_ID' })
  expect(await rejection(c.remove())).toMatchObject({ error: 60_001 })
  expect(() => c.limit(1.5)).toThrow(expect.objectContaining({ error: 60_001 }))
  expect(() => db.collection('')).toThrow(AlipayError)
  expect(() => c.doc(undefined as never)).toThrow(AlipayError)
  expect(() => c.doc('x').projection({ a: 1, b: 0 })).toThrow(AlipayError)
  executor.run = () => Promise.reject(new CloudError('OFFLINE', { errMsg: 'no network' }))
  expect(await rejection(c.get())).toMatchObject({ code: 'OFFLINE', error: 60_004, message: 'no network' })
})

test('[DIALECT-11] Alipay: the commands it has, and no others', () => {
  const names = 'and eq exists gt gte in inc lt lte neq nin nor not or set size'
  expect(Object.keys(_).sort()).toEqual(names.split(' '))
  expect(db.collection('c')).not.toHaveProperty('aggregate')
})

test('[DIALECT-12] Alipay: a query and a document are watched, which is ours; what ends a watch is told as errors are', async () => {
  const c = db.collection('c')
  expect(c.doc('x').id).toBe('x')
  const watched = async (what: Pick<typeof c, 'watch'>) => {
    const told: unknown[] = []
    const watcher = what.watch({
      onChange: ({ docs }) => told.push(docs.map(({ _id }) => _id)),
      onError: error => told.push(error),
    })
    await new Promise(resolve => setImmediate(resolve))
    await c.add({ data: { _id: 'x', a: 2 } })
    await new Promise(resolve => setImmediate(resolve))
    await watcher.close()
    await c.doc('x').remove()
    return told
  }
  expect(await watched(c.where({ a: _.gt(1) }))).toEqual([[], ['x']])
  expect(await watched(c.doc('x'))).toEqual([[], ['x']])
  expect(() => c.watch({} as never)).toThrow(AlipayError)
  executor.watch = (_query, { error }) => {
    error(new CloudError('USER_CHANGED', { errMsg: 'another user' }))
    return { close: async () => undefined }
  }
  expect(await watched(c)).toEqual([
    expect.objectContaining({ code: 'USER_CHANGED', error: 60_005, errorMessage: 'another user' }),
  ])
})
