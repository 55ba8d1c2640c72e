import { expect, test } from 'vitest'
import { command as _ } from '../../builder/commands.ts'
import { databaseWith, over, refusalOf } from '../../testing/database-with.ts'

const $ = _.aggregate

const orders = [
  { _id: 1, who: 'ann', amount: 10, at: new Date(10) },
  { _id: 2, who: 'bob', amount: 5, at: new Date(20) },
  { _id: 3, who: 'ann', amount: 7, at: new Date(30) },
  { _id: 4, amount: 1, at: new Date(40) },
  { _id: 5, who: null, amount: 2, at: new Date(50) },
]
const ids = (list: readonly object[]) => list.map(each => (each as { _id: unknown })._id)

test('[STAGE-1] the guide’s listing: completed since a date, summed by user, the largest first', async () => {
  const db = await databaseWith({
    orders: orders.map(({ at, ...order }) => ({
      ...order,
      status: order._id === 3 ? 'open' : 'completed',
      createTime: at,
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

test('[STAGE-2] match takes what where takes, at the beginning', async () => {
  const { length } = await over(orders, start => start.match({ who: 'ann', amount: _.lt(8) }))
  expect(length).toBe(1)
  expect(ids(await over(orders, start => start.match(_.or({ who: 'bob' }, { amount: 1 }))))).toEqual([2, 4])
  expect(ids(await over(orders, start => start.match({ who: 'ann' }).match({ amount: 7 })))).toEqual([3])
})

test('[STAGE-2] and behind other stages, with expressions too', async () => {
  const sums = await over(orders, start =>
    start
      .group({ _id: '$who', total: $.sum('$amount') })
      .match(_.or({ _id: 'bob' }, { total: _.gt(10) }))
      .match(_.expr($.lt(['$total', 10]))),
  )
  expect(sums).toEqual([{ _id: 'bob', total: 5 }])
})

test('[STAGE-2] the condition of the query before aggregate() is a match', async () => {
  const db = await databaseWith({ c: orders })
  const { list } = await db.collection('c').where({ who: 'ann' }).aggregate().match({ amount: 7 }).end()
  expect(ids(list)).toEqual([3])
})

test('[STAGE-2] a server date in a condition is the time it is asked at, where that is known', async () => {
  const db = await databaseWith({ c: orders }, { now: () => 30 })
  const { list } = await db
    .collection('c')
    .aggregate()
    .match({ at: _.gt(db.serverDate()) })
    .end()
  expect(ids(list)).toEqual([4, 5])
})

test('[STAGE-2] nearness is a condition of the first stage alone', async () => {
  const near = { geometry: { type: 'Point', coordinates: [0, 0] } } as never
  expect(await refusalOf(start => start.match({ a: _.geoNear(near) }))).toBe('accepted')
  expect(await refusalOf(start => start.skip(1).match({ a: _.geoNear(near) }))).toContain(
    'stage 2 (match): a condition "geoNear" is possible in the first stage only',
  )
})

test('[STAGE-3] sort goes by the keys in the order they were said', async () => {
  expect(ids(await over(orders, start => start.sort({ who: 1, amount: -1 })))).toEqual([5, 4, 1, 3, 2])
  expect(ids(await over(orders, start => start.skip(0).sort({ amount: -1 })))).toEqual([1, 3, 2, 5, 4])
})

test('[STAGE-3] equal ones stay as they came', async () => {
  const sorted = await over(orders, start => start.sort({ _id: -1 }).sort({ who: 1 }))
  expect(ids(sorted)).toEqual([5, 4, 3, 1, 2])
})

test('[STAGE-3] an array sorts by its least element, descending by its greatest', async () => {
  const lists = [
    { _id: 1, a: [5, 2] },
    { _id: 2, a: 3 },
    { _id: 3, a: [] },
    { _id: 4 },
    { _id: 5, a: [4, 1] },
  ]
  expect(ids(await over(lists, start => start.limit(9).sort({ a: 1 })))).toEqual([3, 4, 5, 1, 2])
  expect(ids(await over(lists, start => start.limit(9).sort({ a: -1 })))).toEqual([1, 5, 2, 4, 3])
})

test('[STAGE-3] of many the first few are the same as of all of them sorted', async () => {
  const many = Array.from({ length: 3_000 }, (_each, i) => ({ _id: i, n: (i * 7_919) % 1_000 }))
  const all = [...many].sort((a, b) => a.n - b.n || a._id - b._id)
  const first = await over(many, start => start.skip(0).limit(3_000).sort({ n: 1 }).skip(2).limit(40))
  expect(ids(first)).toEqual(ids(all.slice(2, 42)))
})

test('[STAGE-3] what sort cannot mean is refused', async () => {
  expect(await refusalOf(start => start.sort({}))).toContain('stage 1 (sort): it takes 1 to 32 paths')
  expect(await refusalOf(start => start.sort({ a: 'asc' }))).toContain('"a" is sorted by 1 (ascending)')
  expect(await refusalOf(start => start.sort([['a', 1]]))).toContain('stage 1 (sort): it takes an object')
})

test('[STAGE-4] skip and limit cut what comes to them, in the order they stand', async () => {
  expect(ids(await over(orders, start => start.sort({ _id: 1 }).skip(1).limit(3).skip(1)))).toEqual([3, 4])
  expect(ids(await over(orders, start => start.sort({ _id: 1 }).limit(3).skip(1)))).toEqual([2, 3])
  expect(await over(orders, start => start.limit(2).skip(2))).toEqual([])
  expect(ids(await over(orders, start => start.group({ _id: '$_id' }).skip(3).limit(5)))).toEqual([4, 5])
})

test('[STAGE-4] limit takes a positive whole number, skip takes 0 too', async () => {
  expect(await refusalOf(start => start.limit(0))).toContain(
    'stage 1 (limit): it takes a whole number, 1 or more',
  )
  expect(await refusalOf(start => start.limit(1.5))).toContain('a whole number')
  expect(await refusalOf(start => start.skip(-1))).toContain(
    'stage 1 (skip): it takes a whole number, 0 or more',
  )
  expect(await refusalOf(start => start.skip(0))).toBe('accepted')
})

test('[STAGE-5] count is one document, and none for nothing', async () => {
  expect(await over(orders, start => start.count('n'))).toEqual([{ n: 5 }])
  expect(await over(orders, start => start.match({ who: 'eve' }).count('n'))).toEqual([])
})

test('[STAGE-5] count takes the name of a field', async () => {
  expect(await refusalOf(start => start.count(''))).toContain('stage 1 (count): the name of a field')
  expect(await refusalOf(start => start.count('$n'))).toContain('begins with "$"')
  expect(await refusalOf(start => start.count('a.b'))).toContain('"."')
})

test('[STAGE-6] sample takes so many distinct documents', async () => {
  const chosen = await over(orders, start => start.sample({ size: 3 }))
  expect(new Set(ids(chosen)).size).toBe(3)
  expect(new Set(ids(await over(orders, start => start.sample({ size: 9 })))).size).toBe(5)
  expect(await refusalOf(start => start.sample({ size: -1 }))).toContain(
    'stage 1 (sample): it takes a whole number',
  )
  expect((await over(orders, start => start.sample(2))).length).toBe(2)
  expect(await refusalOf(start => start.sample(1.5))).toContain('it takes a whole number')
  expect(await refusalOf(start => start.sample('3' as never))).toContain('it takes { size }')
})

test('[STAGE-7] replaceRoot makes a document of an object in it', async () => {
  const nested = [{ _id: 1, a: { x: 1 }, b: { y: 2 } }]
  expect(await over(nested, start => start.replaceRoot({ newRoot: '$a' }))).toEqual([{ x: 1 }])
  expect(await over(nested, start => start.replaceRoot({ newRoot: { z: '$b.y' } }))).toEqual([{ z: 2 }])
})

test('[STAGE-7] of what is no object it says so', async () => {
  const words = 'newRoot has to be an object, and of some document it is'
  expect(await refusalOf(start => start.replaceRoot({ newRoot: '$a' }))).toContain(`${words} array`)
  expect(await refusalOf(start => start.replaceRoot({ newRoot: '$b' }))).toContain(`${words} missing`)
  expect(await refusalOf(start => start.replaceRoot({ newroot: '$b' }))).toContain('there is no "newroot"')
})

const tagged = [
  { _id: 1, tags: ['a', 'b'] },
  { _id: 2, tags: 'c' },
  { _id: 3, tags: [] },
  { _id: 4, tags: null },
  { _id: 5 },
]

test('[STAGE-8] unwind gives a document for each element; what is no array is one', async () => {
  expect(await over(tagged, start => start.unwind('$tags'))).toEqual([
    { _id: 1, tags: 'a' },
    { _id: 1, tags: 'b' },
    { _id: 2, tags: 'c' },
  ])
})

test('[STAGE-8] with preserveNullAndEmptyArrays documents with nothing there stay', async () => {
  const wish = { path: '$tags', preserveNullAndEmptyArrays: true, includeArrayIndex: 'at' }
  expect(await over(tagged, start => start.unwind(wish))).toEqual([
    { _id: 1, tags: 'a', at: 0 },
    { _id: 1, tags: 'b', at: 1 },
    { _id: 2, tags: 'c', at: null },
    { _id: 3, at: null },
    { _id: 4, tags: null, at: null },
    { _id: 5, at: null },
  ])
})

test('[STAGE-8] a nested path is read through objects alone', async () => {
  const nested = [
    { _id: 1, a: { b: [1, 2], c: 3 } },
    { _id: 2, a: [{ b: [1] }] },
  ]
  expect(await over(nested, start => start.unwind('$a.b'))).toEqual([
    { _id: 1, a: { b: 1, c: 3 } },
    { _id: 1, a: { b: 2, c: 3 } },
  ])
})

test('[STAGE-8] an array of many elements comes in pages', async () => {
  const many = [{ _id: 1, n: Array.from({ length: 2_500 }, (_each, i) => i) }]
  const unwound = await over(many, start => start.unwind('$n').group({ _id: null, all: $.sum('$n') }))
  expect(unwound).toEqual([{ _id: null, all: (2_499 * 2_500) / 2 }])
})

test('[STAGE-8] the path of unwind begins with "$"', async () => {
  expect(await refusalOf(start => start.unwind('a'))).toContain("stage 1 (unwind): it takes '$path'")
  expect(await refusalOf(start => start.unwind({ path: '$$a' }))).toContain("it takes '$path'")
  expect(await refusalOf(start => start.unwind('$'))).toContain('an empty part')
  expect(await refusalOf(start => start.unwind({ path: '$a', includeArrayIndex: '$i' }))).toContain('"$i"')
  expect(await refusalOf(start => start.unwind({ path: '$a', preserveNullAndEmptyArrays: 1 }))).toContain(
    'preserveNullAndEmptyArrays is true or false',
  )
})

test('[STAGE-9] raw operators are refused by name, wherever they stand', async () => {
  expect(await refusalOf(start => start.project({ a: { $add: [1, 2] } }))).toContain(
    'db.command.aggregate.add',
  )
  expect(await refusalOf(start => start.group({ _id: null, n: { $sum: 1 } }))).toContain(
    'db.command.aggregate.sum',
  )
  expect(await refusalOf(start => start.group({ _id: null, n: 1 }))).toContain(
    `stage 1 (group): "n" takes an accumulator, as in { n: $.sum('$price') }`,
  )
  expect(await refusalOf(start => start.match({ a: { $gt: 1 } }))).toContain('"$gt" is not executed')
  expect(await refusalOf(start => start.bucket({ groupBy: '$a', $x: 1, boundaries: [1, 2] }))).toContain(
    '"$x"',
  )
})

test('[STAGE-9] an error names the stage, and the stage inside of a lookup', async () => {
  const inner = $.pipeline().limit(1).project({}).done()
  expect(await refusalOf(start => start.lookup({ from: 'd', pipeline: inner, as: 'x' }))).toContain(
    'stage 1 (lookup): stage 2 (project): it takes an object with at least one field',
  )
  const unknown = $.pipeline()
    .match(_.expr($.eq(['$a', '$$b'])))
    .done()
  expect(await refusalOf(start => start.lookup({ from: 'd', pipeline: unknown, as: 'x' }))).toContain(
    'stage 1 (lookup): stage 1 (match): the variable $$b',
  )
})

test('[STAGE-10] on a client, without a limit, at most the default number of documents come', async () => {
  const limits = { default: 3, max: 4 }
  const db = await databaseWith({ c: orders }, { side: 'client', limits })
  expect((await db.collection('c').aggregate().sort({ _id: 1 }).end()).list).toHaveLength(3)
  expect((await db.collection('c').aggregate().limit(5).end()).list).toHaveLength(5)
  const server = await databaseWith({ c: orders }, { limits })
  expect((await server.collection('c').aggregate().end()).list).toHaveLength(5)
})

test('[STAGE-10] a pipeline of a lookup ends with done(), one of a collection with end()', async () => {
  expect(() => $.pipeline().limit(1).end()).toThrow('a pipeline of a lookup ends with done()')
  const open = $.pipeline().limit(1)
  expect(await refusalOf(start => start.lookup({ from: 'd', pipeline: open, as: 'x' }))).toContain(
    'pipeline is $.pipeline()… ended with done()',
  )
})
