import { expect, test } from 'vitest'
import { MemoryExecutor } from '../testing/memory-executor.ts'
import { createDatabase } from './database.ts'

const limits = { default: 20, max: 20 }
const open = (side: 'client' | 'server') =>
  createDatabase(new MemoryExecutor(), { newId: () => 'id', limits, side }).collection('orders')

test('[API-16] createIndex, listIndexes and dropIndex describe indexes by their keys in order', async () => {
  const orders = open('server')
  const keys = { userId: 1, status: 1, createTime: -1 } as const
  expect(await orders.createIndex({ keys, name: 'userId_status_createTime' })).toEqual({
    name: 'userId_status_createTime',
    errMsg: 'collection.createIndex:ok',
  })
  expect(await orders.createIndex({ keys: { at: '2dsphere' } })).toMatchObject({ name: 'at_2dsphere' })
  expect(await orders.listIndexes()).toEqual({
    indexes: [
      {
        name: 'userId_status_createTime',
        keys: [
          ['userId', 1],
          ['status', 1],
          ['createTime', -1],
        ],
        unique: false,
      },
      { name: 'at_2dsphere', keys: [['at', '2dsphere']], unique: false },
    ],
    errMsg: 'collection.listIndexes:ok',
  })
  expect(await orders.dropIndex('at_2dsphere')).toEqual({
    name: 'at_2dsphere',
    errMsg: 'collection.dropIndex:ok',
  })
  expect((await orders.listIndexes()).indexes).toHaveLength(1)
})

test('[API-16] an index that cannot be is refused in the words of its method', async () => {
  const orders = open('server')
  await expect(orders.createIndex({ keys: {} })).rejects.toMatchObject({
    code: 'INVALID_PARAM',
    errMsg: expect.stringMatching(/^collection\.createIndex:fail -501007 invalid parameters\. /),
  })
  await expect(orders.dropIndex(undefined as never)).rejects.toMatchObject({ code: 'INVALID_PARAM' })
  const told = await new Promise(complete =>
    open('client').createIndex({ keys: { a: 1 }, complete } as never),
  )
  expect(told).toMatchObject({ name: 'a_1' })
})

test('[API-16] explain says how a query is answered', async () => {
  const orders = open('client')
  await orders.add({ data: { _id: 'a', n: 1 } })
  await orders.add({ data: { _id: 'b', n: 2 } })
  expect(await orders.where({ n: 2 }).explain()).toEqual({
    plan: 'scan',
    ordered: false,
    examined: 2,
    returned: 1,
    answeredBy: 'local',
    errMsg: 'collection.explain:ok',
  })
})
