import { beforeEach, expect, test } from 'vitest'
import { MemoryExecutor } from '../testing/memory-executor.ts'
import {
  type CloudbaseDatabase,
  CloudbaseError,
  type CloudbaseSnapshot,
  createCloudbaseDatabase,
} from './index.ts'

let db: CloudbaseDatabase
let _: CloudbaseDatabase['command']

function open(side: 'client' | 'server'): CloudbaseDatabase {
  let id = 0
  return createCloudbaseDatabase(new MemoryExecutor(5_000), { newId: () => `id${++id}`, side })
}

beforeEach(() => {
  db = open('server')
  _ = db.command
})

async function rejection(promise: Promise<unknown>): Promise<CloudbaseError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(CloudbaseError)
  return error as CloudbaseError
}

const requestId = expect.stringMatching(/^id\d+$/)

test('[DIALECT-1] CloudBase: data has no wrapper, and results no errMsg but a requestId of their own', async () => {
  const c = db.collection('c')
  expect(c.name).toBe('c')
  expect(await c.add({ a: 1 })).toEqual({ id: 'id2', requestId: 'id1' })
  expect(await c.add([{ _id: 'x', a: 1 }, { _id: 'y' }])).toEqual({ ids: ['x', 'y'], requestId })
  const doc = c.doc('x')
  expect(await doc.update({ a: _.inc(1) })).toEqual({ updated: 1, requestId })
  expect(await doc.set({ b: 1 })).toEqual({ updated: 1, requestId })
  expect(await c.doc('new').set({ b: 1 })).toEqual({ updated: 0, upsertedId: 'new', requestId })
  expect(await doc.get()).toEqual({ data: [{ _id: 'x', b: 1 }], requestId })
  expect(await doc.field({ b: true, _id: false }).get()).toEqual({ data: [{ b: 1 }], requestId })
  expect(await c.where({ b: 1 }).orderBy('_id', 'desc').skip(1).limit(1).field({ b: 1 }).get()).toEqual({
    data: [{ _id: 'new', b: 1 }],
    requestId,
  })
  expect(await c.where({ b: 1 }).count()).toEqual({ total: 2, requestId })
  expect(await c.where({ b: 1 }).update({ b: 2 })).toEqual({ updated: 2, requestId })
  expect(await c.where({ b: 2 }).remove()).toEqual({ deleted: 2, requestId })
  expect(await c.doc('y').remove()).toEqual({ deleted: 1, requestId })
  expect(await db.createCollection('empty')).toEqual({ requestId })
  const first = await c.count()
  expect(first.requestId).not.toBe((await c.count()).requestId)
})

test('[DIALECT-2] CloudBase: a missing document is an empty list, and changes nothing', async () => {
  const doc = db.collection('c').doc('no')
  expect(await doc.get()).toEqual({ data: [], requestId })
  expect(await doc.update({ a: 1 })).toEqual({ updated: 0, requestId })
  expect(await doc.remove()).toEqual({ deleted: 0, requestId })
})

test('[DIALECT-3] 100 documents without a limit, 1,000 at most', async () => {
  const many = Array.from({ length: 1_001 }, (_each, n) => ({ n }))
  const c = db.collection('c')
  await c.add(many)
  expect((await c.get()).data).toHaveLength(100)
  expect((await c.limit(1_001).get()).data).toHaveLength(1_000)
  const limits = { default: 2, max: 3 }
  const small = createCloudbaseDatabase(new MemoryExecutor(), { newId: () => 'r', side: 'server', limits })
  await small.collection('c').add(many.map(({ n }) => ({ _id: n, n })))
  expect((await small.collection('c').get()).data).toHaveLength(2)
  expect((await small.collection('c').limit(9).get()).data).toHaveLength(3)
})

test('[DIALECT-4] CloudBase: errors have the original’s code, plain words, and the requestId of the call', async () => {
  const c = db.collection('c')
  await c.add({ _id: 'x', s: 'text' })
  expect(await rejection(c.add({ _id: 'x' }))).toMatchObject({
    code: 'DATABASE_REQUEST_FAILED',
    message: expect.stringMatching(/^E11000 duplicate key/),
    requestId,
  })
  expect(await rejection(c.doc('x').update({ s: _.inc(1) }))).toMatchObject({
    code: 'DATABASE_REQUEST_FAILED',
  })
  expect(await rejection(c.doc('x').update({ $set: { a: 1 } }))).toMatchObject({
    code: 'DATABASE_INVALID_OPERRATOR',
  })
  expect(await rejection(c.add({ at: new Date(Number.NaN) }))).toMatchObject({ code: 'INVALID_PARAM' })
  expect(await rejection(c.update({ a: 1 }))).toMatchObject({ code: 'INVALID_PARAM' })
  expect(await rejection(c.add(undefined as never))).toMatchObject({
    message: 'parameter.data should be object instead of undefined;',
  })
  const steps: [() => unknown, words: string][] = [
    [() => db.collection(''), 'Collection name is required'],
    [() => c.doc({} as never), 'docId必须为字符串或数字'],
    [() => c.where([]), '查询参数必须为对象'],
    [() => c.limit(1.5), 'limitmust be integer'],
    [() => c.skip(-1), 'skip must be 0 or more'],
    [() => c.orderBy('a', 'up' as never), '排序字符不合法'],
    [() => c.field({ a: 1, b: 0 }), 'field "b": a projection'],
    [() => c.doc('x').field({ a: 1, b: 0 }), 'field "b": a projection'],
    [() => c.watch({} as never), 'onChange and onError are both needed'],
  ]
  for (const [step, words] of steps) {
    expect(step).toThrow(CloudbaseError)
    expect(step).toThrow(words)
    expect(step).toThrow(expect.objectContaining({ code: 'INVALID_PARAM' }))
  }
})

test('[DIALECT-5] CloudBase: a watch has msgType, a type only when it begins with nothing, and documents as JSON', async () => {
  const c = db.collection('c')
  const watched = async (what: Pick<typeof c, 'watch'>, meanwhile: () => Promise<unknown>) => {
    const told: CloudbaseSnapshot[] = []
    let wake = () => {}
    const first = new Promise<void>(resolve => {
      wake = resolve
    })
    const onChange = (snapshot: CloudbaseSnapshot) => {
      told.push(snapshot)
      wake()
    }
    const watcher = what.watch({ onChange, onError: wake })
    await first
    await meanwhile()
    await watcher.close()
    return told
  }
  const at = new Date(7)
  const add = () => c.add({ _id: 'x', at, here: db.Geo.Point(1, 2) })
  const doc = { _id: 'x', at: at.toJSON(), here: { type: 'Point', coordinates: [1, 2] } }
  expect(await watched(c.where({}), add)).toEqual([
    { id: 0, type: 'init', msgType: 'INIT_EVENT', docs: [], docChanges: [] },
    {
      id: 1,
      msgType: 'NEXT_EVENT',
      docs: [doc],
      docChanges: [expect.objectContaining({ queueType: 'enqueue', dataType: 'add', docId: 'x', doc })],
    },
  ])
  const [first] = await watched(c.doc('x'), async () => {})
  expect(first).toMatchObject({ msgType: 'INIT_EVENT', docs: [doc], docChanges: [{ queueType: 'init' }] })
  expect(first).not.toHaveProperty('type')
})

test('[DIALECT-6] CloudBase: the rest is wx.cloud’s: commands, values, conditions, owners', async () => {
  const client = open('client')
  const c = client.collection('c')
  await c.add({ _id: 'x', at: client.serverDate({ offset: 1 }), n: 3 })
  await c.doc('x').update({ list: client.command.push([1, 2]), o: {} })
  expect((await c.where({ n: client.command.gt(1).and(client.command.lt(5)) }).get()).data).toEqual([
    { _id: 'x', at: new Date(5_001), n: 3, list: [1, 2] },
  ])
  expect(await rejection(c.add({ _openid: 'thief' }))).toMatchObject({ code: 'INVALID_PARAM' })
  expect(await rejection(client.createCollection('c'))).toMatchObject({ code: 'INVALID_PARAM' })
})
