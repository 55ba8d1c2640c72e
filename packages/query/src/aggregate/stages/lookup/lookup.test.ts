import { expect, test } from 'vitest'
import type { Aggregate } from '../../../builder/aggregate.ts'
import { command as _ } from '../../../builder/commands.ts'
import { databaseWith, refusalOf } from '../../../testing/database-with.ts'

const $ = _.aggregate

/** What a pipeline over `local` makes, with `foreign` beside it. */
async function joined(
  local: readonly object[],
  foreign: readonly object[],
  build: (start: Aggregate) => Aggregate,
): Promise<readonly { readonly [key: string]: unknown }[]> {
  const db = await databaseWith({ local, foreign })
  return (await build(db.collection('local').aggregate()).end()).list
}

/** The ids that each local document finds by `a` = `b`. */
async function found(local: readonly object[], foreign: readonly object[], fields: object = {}) {
  const options = { from: 'foreign', localField: 'a', foreignField: 'b', as: 'found', ...fields }
  const list = await joined(local, foreign, start => start.lookup(options).project({ 'found._id': 1 }))
  return list.map(each => (each.found as { _id: unknown }[]).map(({ _id }) => _id))
}

const users = [
  { _id: 1, b: 'ann' },
  { _id: 2, b: 'bob' },
  { _id: 3, b: ['ann', 'eve'] },
  { _id: 4, b: null },
  { _id: 5 },
]

test('[STAGE-17] lookup joins by equal fields, and gives [] for none', async () => {
  const orders = [
    { _id: 1, a: 'bob' },
    { _id: 2, a: 'joe' },
  ]
  expect(
    await joined(orders, users, start =>
      start.lookup({ from: 'foreign', localField: 'a', foreignField: 'b', as: 'user' }),
    ),
  ).toEqual([
    { _id: 1, a: 'bob', user: [{ _id: 2, b: 'bob' }] },
    { _id: 2, a: 'joe', user: [] },
  ])
})

test('[STAGE-17] an array on either side stands for its elements', async () => {
  const locals = [
    { _id: 1, a: 'ann' },
    { _id: 2, a: ['eve', 'bob', 'bob'] },
    { _id: 3, a: [['ann', 'eve']] },
  ]
  expect(await found(locals, users)).toEqual([[1, 3], [2, 3], [3]])
})

test('[STAGE-17] what is missing here, or an empty array, is null: it finds null and missing', async () => {
  const locals = [{ _id: 1 }, { _id: 2, a: null }, { _id: 3, a: [] }, { _id: 4, a: { x: 1 } }]
  expect(await found(locals, users)).toEqual([[4, 5], [4, 5], [4, 5], []])
})

test('[STAGE-17] values are equal as everywhere: no text is a number, objects have their order', async () => {
  const foreign = [
    { _id: 1, b: 1 },
    { _id: 2, b: '1' },
    { _id: 3, b: { x: 1, y: 2 } },
    { _id: 4, b: new Date(1) },
  ]
  const locals = [1, '1', { x: 1, y: 2 }, { y: 2, x: 1 }, new Date(1), -1].map((a, i) => ({ _id: i, a }))
  expect(await found(locals, foreign)).toEqual([[1], [2], [3], [], [4], []])
})

test('[STAGE-17] a regular expression is a value, and no pattern', async () => {
  const foreign = [
    { _id: 1, b: /^a/ },
    { _id: 2, b: 'ann' },
    { _id: 3, b: [/^a/i, /^a/] },
  ]
  const locals = [
    { _id: 1, a: /^a/ },
    { _id: 2, a: 'ann' },
    { _id: 3, a: [/^a/, 'ann'] },
  ]
  expect(await found(locals, foreign)).toEqual([[1, 3], [2], [1, 2, 3]])
})

test('[STAGE-17] fields are paths, through arrays too', async () => {
  const foreign = [
    { _id: 1, of: [{ id: 1 }, { id: 2 }] },
    { _id: 2, of: { id: 3 } },
  ]
  const locals = [
    { _id: 1, items: [{ key: 2 }, {}, { key: [3] }] },
    { _id: 2, items: { key: 1 } },
    { _id: 3, items: [7] },
  ]
  expect(await found(locals, foreign, { localField: 'items.key', foreignField: 'of.id' })).toEqual([
    [1, 2],
    [1],
    [],
  ])
  expect(await found(locals, foreign, { localField: 'items.0.key', foreignField: 'of.id' })).toEqual([
    [1],
    [],
    [],
  ])
})

test('[STAGE-17] `as` replaces what is there, and may be a path', async () => {
  const options = { from: 'foreign', localField: 'a', foreignField: 'b' }
  const local = [{ _id: 1, a: 'bob', x: { y: 1, z: 2 } }]
  const user = { _id: 2, b: 'bob' }
  expect(await joined(local, users, start => start.lookup({ ...options, as: 'a' }))).toEqual([
    { _id: 1, a: [user], x: { y: 1, z: 2 } },
  ])
  expect(await joined(local, users, start => start.lookup({ ...options, as: 'x.y' }))).toEqual([
    { _id: 1, a: 'bob', x: { y: [user], z: 2 } },
  ])
  expect(await joined(local, users, start => start.lookup({ ...options, as: 'a.b' }))).toEqual([
    { _id: 1, a: { b: [user] }, x: { y: 1, z: 2 } },
  ])
})

test('[STAGE-17] a collection joins itself, and many documents in pages', async () => {
  const many = Array.from({ length: 1_500 }, (_each, i) => ({ _id: i, a: i % 7, b: i < 7 ? i : null }))
  const list = await joined(many, many, start =>
    start
      .lookup({ from: 'local', localField: 'a', foreignField: 'b', as: 'same' })
      .unwind('$same')
      .group({ _id: '$same._id', n: $.sum(1) }),
  )
  expect(list).toEqual([0, 1, 2, 3, 4, 5, 6].map(i => ({ _id: i, n: i < 2 ? 215 : 214 })))
})

const stock = [
  { _id: 1, item: 'a', amount: 10 },
  { _id: 2, item: 'b', amount: 1 },
  { _id: 3, item: 'a', amount: 2 },
  { _id: 4, amount: 9 },
]
const orders = [
  { _id: 1, item: 'a', wanted: 5 },
  { _id: 2, item: 'b', wanted: 5 },
  { _id: 3, wanted: 1 },
]

/** A pipeline that looks for what is in stock. */
const inStock = (condition: unknown) => $.pipeline().match(_.expr(condition)).project({ _id: 1 }).done()

async function stocked(condition: unknown) {
  const list = await joined(orders, stock, start =>
    start.lookup({
      from: 'foreign',
      let: { item: '$item', wanted: '$wanted' },
      pipeline: inStock(condition),
      as: 'stock',
    }),
  )
  return list.map(each => (each.stock as { _id: unknown }[]).map(({ _id }) => _id))
}

test('[STAGE-18] a pipeline is run for each document, with the variables of let', async () => {
  expect(await stocked($.gte(['$amount', '$$wanted']))).toEqual([
    [1, 4],
    [1, 4],
    [1, 2, 3, 4],
  ])
})

test('[STAGE-18] an equality with a variable finds what testing each document finds', async () => {
  const condition = $.and([$.eq(['$item', '$$item']), $.gte(['$amount', '$$wanted'])])
  expect(await stocked(condition)).toEqual([[1], [], [4]])
  expect(await stocked($.eq(['$$item', '$item']))).toEqual([[1, 3], [2], [4]])
  expect(await stocked($.or([$.eq(['$item', '$$item']), $.gte(['$amount', '$$wanted'])]))).toEqual([
    [1, 3, 4],
    [1, 2, 4],
    [1, 2, 3, 4],
  ])
})

test('[STAGE-18] conditions with and without variables stand together', async () => {
  const pipeline = $.pipeline()
    .match({ amount: _.gt(1), ..._.expr($.eq(['$item', '$$item'])) })
    .match({ amount: _.lt(10) })
    .sort({ _id: -1 })
    .done()
  const list = await joined(orders, stock, start =>
    start
      .lookup({ from: 'foreign', let: { item: '$item' }, pipeline, as: 'stock' })
      .project({ 'stock._id': 1 }),
  )
  expect(list).toEqual([
    { _id: 1, stock: [{ _id: 3 }] },
    { _id: 2, stock: [] },
    { _id: 3, stock: [{ _id: 4 }] },
  ])
})

test('[STAGE-18] variables stand in every expression of the pipeline, their fields too', async () => {
  const pipeline = $.pipeline()
    .limit(1)
    .addFields({ of: '$$order.item', twice: $.multiply(['$$order.wanted', 2]) })
    .project({ of: 1, twice: 1 })
    .done()
  const list = await joined(orders.slice(0, 1), stock, start =>
    start.lookup({ from: 'foreign', let: { order: '$$ROOT' }, pipeline, as: 'one' }),
  )
  expect(list).toEqual([{ ...orders[0], one: [{ _id: 1, of: 'a', twice: 10 }] }])
})

test('[STAGE-18] a pipeline without variables gives the same to all', async () => {
  const pipeline = $.pipeline()
    .group({ _id: null, all: $.sum('$amount') })
    .done()
  const list = await joined(orders, stock, start => start.lookup({ from: 'foreign', pipeline, as: 'x' }))
  expect(list.map(each => each.x)).toEqual(orders.map(() => [{ _id: null, all: 22 }]))
})

test('[STAGE-18] lookups in lookups know the variables around them', async () => {
  const innermost = $.pipeline()
    .match(_.expr($.and([$.eq(['$item', '$$name']), $.gt(['$wanted', '$$least'])])))
    .count('n')
    .done()
  const inner = $.pipeline()
    .match(_.expr($.eq(['$item', '$$item'])))
    .lookup({ from: 'local', let: { name: '$item' }, pipeline: innermost, as: 'orders' })
    .done()
  const list = await joined(orders, stock, start =>
    start
      .lookup({
        from: 'foreign',
        let: { item: '$item', least: $.subtract(['$wanted', 1]) },
        pipeline: inner,
        as: 's',
      })
      .match({ _id: 1 }),
  )
  expect(list).toEqual([
    {
      ...orders[0],
      s: [
        { ...stock[0], orders: [{ n: 1 }] },
        { ...stock[2], orders: [{ n: 1 }] },
      ],
    },
  ])
})

test('[STAGE-19] what lookup cannot mean is refused', async () => {
  const refused = (options: object) => refusalOf(start => start.lookup(options))
  const pipeline = $.pipeline().limit(1).done()
  const equality = { localField: 'a', foreignField: 'b' }
  expect(await refused({ from: 'd', localField: 'a', as: 'x' })).toContain(
    'it takes { from, localField, foreignField',
  )
  expect(await refused({ ...equality, as: 'x' })).toContain('Collection name is required')
  expect(await refused({ from: '_d', ...equality, as: 'x' })).toContain('"_d" is no collection name')
  expect(await refused({ from: 'd', ...equality })).toContain('the path "undefined" cannot be used')
  expect(await refused({ from: 'd', ...equality, pipeline, as: 'x' })).toContain('not both')
  expect(await refused({ from: 'd', ...equality, let: {}, as: 'x' })).toContain('not both')
  expect(await refused({ from: 'd', pipeline: [], as: 'x' })).toContain('ended with done()')
  expect(await refused({ from: 'd', pipeline, as: '$x' })).toContain('"$x"')
  expect(await refused({ from: 'd', let: { '1a': 1 }, pipeline, as: 'x' })).toContain(
    'a variable cannot be named "1a"',
  )
  expect(await refused({ from: 'd', pipeline, as: 'x', of: 1 })).toContain('there is no "of"')
})

test('[STAGE-19] lookups nest at most 4 deep', async () => {
  const nested = (depth: number): Aggregate => {
    if (depth === 0) return $.pipeline().limit(1)
    return $.pipeline().lookup({ from: 'd', pipeline: nested(depth - 1).done(), as: 'x' })
  }
  const refused = (depth: number) =>
    refusalOf(start => start.lookup({ from: 'd', pipeline: nested(depth).done(), as: 'x' }))
  expect(await refused(3)).toBe('accepted')
  expect(await refused(4)).toContain('lookups are nested deeper than 4')
})
