import { CloudError } from '@nearcloud/protocol'
import { expect, test } from 'vitest'
import type { Aggregate } from '../../builder/aggregate.ts'
import { command as _ } from '../../builder/commands.ts'
import { databaseWith } from '../../testing/database-with.ts'

const $ = _.aggregate

type Build = (start: Aggregate) => Aggregate

/** What comes out of a pipeline over these documents. */
async function over(documents: readonly object[], build: Build) {
  const db = await databaseWith({ c: documents })
  return (await build(db.collection('c').aggregate()).end()).list
}

async function refusal(build: Build): Promise<string> {
  const db = await databaseWith({ c: [{ _id: 1, a: [1, 2] }] })
  const error: unknown = await build(db.collection('c').aggregate())
    .end()
    .then(() => undefined)
    .catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(CloudError)
  return (error as CloudError).errMsg
}

const orders = [
  { _id: 1, who: 'ann', amount: 10, at: new Date(10) },
  { _id: 2, who: 'bob', amount: 5, at: new Date(20) },
  { _id: 3, who: 'ann', amount: 7, at: new Date(30) },
  { _id: 4, amount: 1, at: new Date(40) },
  { _id: 5, who: null, amount: 2, at: new Date(50) },
]

test('[STAGE-1] the guide’s listing: what is completed since a date, summed by user, the largest first', async () => {
  const db = await databaseWith({
    orders: orders.map(order => ({
      ...order,
      status: order._id === 3 ? 'open' : 'completed',
      createTime: order.at,
    })),
  })
  const result = await db
    .collection('orders')
    .aggregate()
    .match({ status: 'completed', createTime: $.gte(new Date(20)) })
    .group({ _id: '$who', total: $.sum('$amount'), count: $.sum(1) })
    .sort({ total: -1 })
    .limit(10)
    .end()
  expect(result).toEqual({
    list: [
      { _id: 'bob', total: 5, count: 1 },
      { _id: null, total: 3, count: 2 },
    ],
    errMsg: 'collection.aggregate:ok',
  })
})

test('[STAGE-2] match takes what where takes, wherever it stands', async () => {
  expect(
    await over(orders, start => start.match({ who: 'ann', amount: _.lt(8) }).project({ _id: 1 })),
  ).toEqual([{ _id: 3 }])
  const sums = await over(orders, start =>
    start.group({ _id: '$who', total: $.sum('$amount') }).match(_.or({ _id: 'bob' }, { total: _.gt(10) })),
  )
  expect(sums).toEqual([
    { _id: 'ann', total: 17 },
    { _id: 'bob', total: 5 },
  ])
  const computed = await over(orders, start => start.skip(1).match(_.expr($.eq(['$who', 'ann']))))
  expect(computed.map(({ _id }) => _id)).toEqual([3])
})

test('[STAGE-2] the condition of the query before aggregate() is a match', async () => {
  const db = await databaseWith({ c: orders })
  const { list } = await db.collection('c').where({ who: 'ann' }).aggregate().count('n').end()
  expect(list).toEqual([{ n: 2 }])
})
