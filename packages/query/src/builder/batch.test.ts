import { type CloudError, limits } from '@nearcloud/protocol'
import { expect, test } from 'vitest'
import { MemoryExecutor } from '../testing/memory-executor.ts'
import type { Commit } from '../types.ts'
import { createDatabase } from './database.ts'

/** A database of one side, and what its executor was asked. */
function open(side: 'client' | 'server' = 'client') {
  const executor = new MemoryExecutor(5_000)
  const asked: Commit[] = []
  const commit = executor.commit.bind(executor)
  executor.commit = asking => {
    asked.push(asking)
    return commit(asking)
  }
  let id = 0
  const db = createDatabase(executor, { newId: () => `id${++id}`, limits: { default: 20, max: 20 }, side })
  return { db, asked, all: async (name: string) => (await db.collection(name).get()).data }
}

const invalid = (words: string) =>
  expect.objectContaining({ code: 'INVALID_PARAM', errMsg: expect.stringContaining(words) })

test.each(['client', 'server'] as const)(
  '[API-19] a batch is one commit of writes to several collections, in their order (%s)',
  async side => {
    const { db, asked, all } = open(side)
    await db
      .collection('stock')
      .doc('tea')
      .set({ data: { left: 5 } })
    await db.collection('carts').doc('old').set({ data: {} })
    asked.length = 0
    const batch = db.batch()
    const order = batch.collection('orders').add({ data: { cups: 2 } })
    expect(order).toBe('id1')
    expect(batch.collection('orders').add({ data: { _id: 7, cups: 1 } })).toBe(7)
    batch
      .collection('stock')
      .doc('tea')
      .update({ data: { left: db.command.inc(-3) } })
    batch
      .collection('orders')
      .doc(order)
      .update({ data: { 'at.table': 4 } })
    batch
      .collection('carts')
      .doc('new')
      .set({ data: { of: order } })
    batch.collection('carts').doc('old').remove()
    expect(batch.size).toBe(6)
    expect([asked, await all('orders')]).toEqual([[], []])
    expect(await batch.commit({ wait: 'server' })).toEqual({
      _ids: ['id1', 7, 'tea', 'id1', 'new', 'old'],
      stats: { created: 3, updated: 2, removed: 1 },
      errMsg: 'batch.commit:ok',
    })
    expect(asked).toMatchObject([{ wait: 'server', writes: { length: 6 } }])
    expect(await all('orders')).toEqual([
      { _id: 7, cups: 1 },
      { _id: 'id1', cups: 2, at: { table: 4 } },
    ])
    expect(await all('stock')).toEqual([{ _id: 'tea', left: 2 }])
    expect(await all('carts')).toEqual([{ _id: 'new', of: 'id1' }])
  },
)

test('[API-19] what is wrong is told where it is said, and the rest can go', async () => {
  const { db, all } = open()
  const batch = db.batch()
  const c = batch.collection('c')
  expect(() => batch.collection('')).toThrow()
  expect(() => c.doc({} as never)).toThrow(expect.objectContaining({ code: 'INVALID_PARAM' }))
  expect(() => c.add({ data: 7 as never })).toThrow(invalid('data should be object'))
  expect(() => c.add(undefined as never)).toThrow(invalid('data should be object'))
  expect(() => c.add({ data: { _openid: 'me' } })).toThrow(invalid('_openid'))
  expect(() => c.doc('x').set({ data: { _id: 'y' } })).toThrow(invalid('_id'))
  expect(() => c.doc('x').update({ data: { $set: { a: 1 } } })).toThrow('raw operator')
  expect(() => c.doc('x').update({ data: { a: { b: 1 }, 'a.b': 2 } })).toThrow('conflict')
  c.add({ data: { _id: 'fine' } })
  expect(await batch.commit()).toMatchObject({ _ids: ['fine'] })
  expect(await all('c')).toEqual([{ _id: 'fine' }])
})

test('[API-19] a batch is not empty, not endless, and committed once', async () => {
  const { db, asked } = open()
  const batch = db.batch()
  await expect(batch.commit()).rejects.toEqual(invalid('the batch is empty'))
  const c = batch.collection('c')
  for (let i = 0; i < limits.batchWrites; i++) c.doc(i).remove()
  expect(() => c.doc('more').remove()).toThrow(invalid('at most 10000 writes'))
  await expect(batch.commit({ wait: 'soon' as never })).rejects.toEqual(invalid("wait is 'server'"))
  expect(asked).toEqual([])
  await batch.commit()
  for (const again of [() => batch.collection('c'), () => c.add({ data: {} }), () => c.doc('x').remove()])
    expect(again).toThrow(invalid('was committed'))
  await expect(batch.commit()).rejects.toEqual(invalid('was committed'))
  expect(asked).toHaveLength(1)
})

test('[API-19] refused by the executor, nothing of it was written, and it is over', async () => {
  const { db, all } = open()
  await db.collection('c').add({ data: { _id: 'taken' } })
  const batch = db.batch()
  batch.collection('d').add({ data: {} })
  batch.collection('c').add({ data: { _id: 'taken' } })
  const error = await batch.commit().catch((thrown: CloudError) => thrown)
  expect(error).toMatchObject({
    code: 'DUPLICATE_ID',
    errMsg: expect.stringMatching(/^batch\.commit:fail -502001/),
  })
  expect(await all('d')).toEqual([])
  await expect(batch.commit()).rejects.toEqual(invalid('was committed'))
})

test('[API-20] a function collects, and what it collected is committed when it is done', async () => {
  const { db, asked, all } = open()
  let id: unknown
  const result = await db.batch(
    async batch => {
      id = batch.collection('c').add({ data: { a: 1 } })
      await undefined
      batch
        .collection('d')
        .doc('x')
        .set({ data: { of: 1 } })
    },
    { wait: 'server' },
  )
  expect(result).toMatchObject({ _ids: [id, 'x'], errMsg: 'batch.commit:ok' })
  expect(asked).toMatchObject([{ wait: 'server' }])
  const mine = new Error('mine')
  const throwing = db.batch(batch => {
    batch.collection('c').add({ data: {} })
    throw mine
  })
  await expect(throwing).rejects.toBe(mine)
  await expect(db.batch(async () => Promise.reject(mine))).rejects.toBe(mine)
  await expect(db.batch(() => undefined)).rejects.toEqual(invalid('the batch is empty'))
  await expect(db.batch(null as never)).rejects.toEqual(invalid('takes nothing, or a function'))
  expect([asked.length, (await all('c')).length]).toEqual([1, 1])
})

test('[API-19] commit answers through callbacks on a client', async () => {
  const { db } = open()
  const batch = db.batch()
  batch.collection('c').doc('x').remove()
  const success = new Promise(resolve => expect(batch.commit({ success: resolve })).toBeUndefined())
  expect(await success).toMatchObject({ stats: { removed: 0 } })
})
