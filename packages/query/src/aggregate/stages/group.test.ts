import { RegExpValue } from '@nearcloud/protocol'
import { expect, test } from 'vitest'
import { command as _ } from '../../builder/commands.ts'
import { over, refusalOf } from '../../testing/database-with.ts'

const $ = _.aggregate

const sales = [
  { _id: 1, item: 'a', place: { city: 'x', zip: 1 }, n: 2 },
  { _id: 2, item: 'b', place: { city: 'y', zip: 1 }, n: 3 },
  { _id: 3, item: 'a', place: { city: 'x', zip: 2 }, n: 4 },
  { _id: 4, item: null, n: 5 },
  { _id: 5, n: 'none' },
]

test('[STAGE-13] one document for each value, in the order they came; missing is null', async () => {
  expect(await over(sales, start => start.group({ _id: '$item', n: $.sum('$n') }))).toEqual([
    { _id: 'a', n: 6 },
    { _id: 'b', n: 3 },
    { _id: null, n: 5 },
  ])
})

test('[STAGE-13] null is one group of all, and of nothing there is none', async () => {
  expect(await over(sales, start => start.group({ _id: null, count: $.sum(1) }))).toEqual([
    { _id: null, count: 5 },
  ])
  expect(await over([], start => start.group({ _id: null, count: $.sum(1) }))).toEqual([])
})

test('[STAGE-13] an object of expressions, of which a missing field is not a null one', async () => {
  const grouped = await over([...sales, { _id: 6, item: 'c', place: { city: null } }], start =>
    start.group({ _id: { where: '$place.city', zip: '$place.zip' }, ids: $.push('$_id') }),
  )
  expect(grouped).toEqual([
    { _id: { where: 'x', zip: 1 }, ids: [1] },
    { _id: { where: 'y', zip: 1 }, ids: [2] },
    { _id: { where: 'x', zip: 2 }, ids: [3] },
    { _id: {}, ids: [4, 5] },
    { _id: { where: null }, ids: [6] },
  ])
})

test('[STAGE-13] a group by an expression', async () => {
  expect(
    await over(sales.slice(0, 4), start => start.group({ _id: $.gt(['$n', 3]), ids: $.push('$_id') })),
  ).toEqual([
    { _id: false, ids: [1, 2] },
    { _id: true, ids: [3, 4] },
  ])
})

test('[STAGE-13] values are equal as everywhere: by type and content, objects with their order', async () => {
  const values = [
    1,
    '1',
    true,
    -0,
    0,
    new Date(1),
    new Date(1),
    [1, 2],
    [1, 2],
    [2, 1],
    { a: 1, b: 2 },
    { b: 2, a: 1 },
    Number.NaN,
    Number.NaN,
    new RegExpValue('a'),
    'date 1',
  ]
  const grouped = await over(
    values.map((v, i) => ({ _id: i, v })),
    start => start.group({ _id: '$v', ids: $.push('$_id') }),
  )
  expect(grouped.map(({ ids }) => ids)).toEqual([
    [0],
    [1],
    [2],
    [3, 4],
    [5, 6],
    [7, 8],
    [9],
    [10],
    [11],
    [12, 13],
    [14],
    [15],
  ])
  const composed = await over(
    values.map((v, i) => ({ _id: i, v })),
    start => start.group({ _id: { v: '$v', one: 1 }, ids: $.push('$_id') }),
  )
  expect(composed.map(({ ids }) => ids)).toEqual(grouped.map(({ ids }) => ids))
})

test('[STAGE-13] accumulators of values: first, last, push, addToSet, min, max, avg', async () => {
  expect(
    await over(sales, start =>
      start.sort({ _id: 1 }).group({
        _id: '$item',
        first: $.first('$place.city'),
        last: $.last('$place.zip'),
        all: $.push({ id: '$_id', zip: '$place.zip' }),
        set: $.addToSet('$place.city'),
        min: $.min('$n'),
        max: $.max('$n'),
        avg: $.avg('$n'),
      }),
    ),
  ).toEqual([
    {
      _id: 'a',
      first: 'x',
      last: 2,
      all: [
        { id: 1, zip: 1 },
        { id: 3, zip: 2 },
      ],
      set: ['x'],
      min: 2,
      max: 4,
      avg: 3,
    },
    { _id: 'b', first: 'y', last: 1, all: [{ id: 2, zip: 1 }], set: ['y'], min: 3, max: 3, avg: 3 },
    { _id: null, first: null, last: null, all: [{ id: 4 }, { id: 5 }], set: [], min: 5, max: 'none', avg: 5 },
  ])
})

test('[STAGE-13] what group cannot mean is refused', async () => {
  expect(await refusalOf(start => start.group({ n: $.sum(1) }))).toContain('stage 1 (group): it takes _id')
  expect(await refusalOf(start => start.group({ _id: null, n: 1 }))).toContain('"n" takes an accumulator')
  expect(await refusalOf(start => start.group({ _id: null, 'a.b': $.sum(1) }))).toContain('"a.b"')
  expect(await refusalOf(start => start.group({ _id: null, n: $.toUpper('$a') }))).toContain('$.toUpper')
  expect(await refusalOf(start => start.group('$a' as never))).toContain('it takes an object with _id')
})

test('[STAGE-14] sortByCount counts each value, the most frequent first', async () => {
  expect(await over(sales, start => start.sortByCount('$place.zip'))).toEqual([
    { _id: 1, count: 2 },
    { _id: null, count: 2 },
    { _id: 2, count: 1 },
  ])
  expect(await refusalOf(start => start.sortByCount(undefined))).toContain('it takes an expression')
})

const prices = [10, 50, 20, 80, 200].map((price, i) => ({ _id: i + 1, price }))

test('[STAGE-15] bucket: the documented example', async () => {
  expect(
    await over(prices, start =>
      start.bucket({
        groupBy: '$price',
        boundaries: [0, 50, 100],
        default: 'other',
        output: { ids: $.push('$_id') },
      }),
    ),
  ).toEqual([
    { _id: 0, ids: [1, 3] },
    { _id: 50, ids: [2, 4] },
    { _id: 'other', ids: [5] },
  ])
})

test('[STAGE-15] without output documents are counted, and empty buckets are not there', async () => {
  expect(
    await over(prices, start => start.bucket({ groupBy: '$price', boundaries: [10, 11, 12, 80, 81, 201] })),
  ).toEqual([
    { _id: 10, count: 1 },
    { _id: 12, count: 2 },
    { _id: 80, count: 1 },
    { _id: 81, count: 1 },
  ])
})

test('[STAGE-15] what is missing, of another type or outside goes to the default, in the order of values', async () => {
  const odd = [
    ...prices,
    { _id: 6 },
    { _id: 7, price: 'text' },
    { _id: 8, price: Number.NaN },
    { _id: 9, price: -1 },
  ]
  expect(
    await over(odd, start => start.bucket({ groupBy: '$price', boundaries: [0, 1_000], default: null })),
  ).toEqual([
    { _id: null, count: 4 },
    { _id: 0, count: 5 },
  ])
})

test('[STAGE-15] without a default it is an error', async () => {
  expect(await refusalOf(start => start.bucket({ groupBy: '$x', boundaries: [0, 1] }))).toContain(
    'a value lies outside of the boundaries: give it a default',
  )
})

test('[STAGE-15] boundaries ascend, are of one type and at least two; the default is outside of them', async () => {
  const refused = (options: object) => refusalOf(start => start.bucket({ groupBy: '$x', ...options }))
  expect(await refused({ boundaries: [1] })).toContain('boundaries are a list of 2')
  expect(await refused({ boundaries: [1, 1] })).toContain('each greater than the one before')
  expect(await refused({ boundaries: [1, 'a'] })).toContain('values of one type')
  expect(await refused({})).toContain('it takes { groupBy, boundaries')
  expect(await refused({ boundaries: [1, 5], default: 3 })).toContain('default is less than the first')
  expect(await refused({ boundaries: [1, 5], default: 5 })).toBe('accepted')
})

const automatic = [10.5, 50.3, 20.8, 80.2, 200.3].map((price, i) => ({ _id: i + 1, price }))

test('[STAGE-16] bucketAuto: the documented example', async () => {
  expect(await over(automatic, start => start.bucketAuto({ groupBy: '$price', buckets: 3 }))).toEqual([
    { _id: { min: 10.5, max: 50.3 }, count: 2 },
    { _id: { min: 50.3, max: 200.3 }, count: 2 },
    { _id: { min: 200.3, max: 200.3 }, count: 1 },
  ])
})

test('[STAGE-16] equal values are in one bucket, and the last one has the rest', async () => {
  const many = [1, 1, 1, 1, 2, 3, 4, 5].map((n, i) => ({ _id: i, n }))
  expect(
    await over(many, start => start.bucketAuto({ groupBy: '$n', buckets: 4, output: { n: $.push('$n') } })),
  ).toEqual([
    { _id: { min: 1, max: 2 }, n: [1, 1, 1, 1] },
    { _id: { min: 2, max: 4 }, n: [2, 3] },
    { _id: { min: 4, max: 5 }, n: [4, 5] },
  ])
  expect(await over(many, start => start.bucketAuto({ groupBy: '$n', buckets: 1 }))).toEqual([
    { _id: { min: 1, max: 5 }, count: 8 },
  ])
  expect(await over([{ _id: 1 }], start => start.bucketAuto({ groupBy: '$n', buckets: 9 }))).toEqual([
    { _id: { min: null, max: null }, count: 1 },
  ])
  expect(await over([], start => start.bucketAuto({ groupBy: '$n', buckets: 9 }))).toEqual([])
})

test('[STAGE-16] with a granularity the boundaries are preferred numbers', async () => {
  const things = Array.from({ length: 100 }, (_, n) => ({ _id: n, n }))
  const bounds = async (granularity: string) => {
    const buckets = await over(things, start => start.bucketAuto({ groupBy: '$n', buckets: 5, granularity }))
    return (buckets as { _id: { min: number; max: number }; count: number }[]).map(
      ({ _id: { min, max }, count }) => [min, max, count],
    )
  }
  expect(await bounds('R20')).toEqual([
    [0, 20, 20],
    [20, 40, 20],
    [40, 63, 23],
    [63, 90, 27],
    [90, 100, 10],
  ])
  expect(await bounds('E24')).toEqual([
    [0, 20, 20],
    [20, 43, 23],
    [43, 68, 25],
    [68, 91, 23],
    [91, 100, 9],
  ])
  expect(await bounds('1-2-5')).toEqual([
    [0, 20, 20],
    [20, 50, 30],
    [50, 100, 50],
  ])
  expect(await bounds('POWERSOF2')).toEqual([
    [0, 32, 32],
    [32, 64, 32],
    [64, 128, 36],
  ])
})

test('[STAGE-16] a first bucket of zeros ends below what follows', async () => {
  const some = [0, 0, 5, 6].map((n, _id) => ({ _id, n }))
  expect(
    await over(some, start => start.bucketAuto({ groupBy: '$n', buckets: 2, granularity: 'R5' })),
  ).toEqual([
    { _id: { min: 0, max: 4 }, count: 2 },
    { _id: { min: 4, max: 6.3 }, count: 2 },
  ])
})

test('[STAGE-16] what cannot be rounded is refused', async () => {
  for (const n of [-1, 'text', null, Number.NaN])
    await expect(
      over([{ _id: 1, n }], start => start.bucketAuto({ groupBy: '$n', buckets: 2, granularity: 'E6' })),
    ).rejects.toThrow('a number, 0 or more')
})

test('[STAGE-16] buckets is a positive number, a granularity one that is known', async () => {
  expect(await refusalOf(start => start.bucketAuto({ groupBy: '$n', buckets: 0 }))).toContain('1 or more')
  expect(
    await refusalOf(start => start.bucketAuto({ groupBy: '$n', buckets: 2, granularity: 'R7' })),
  ).toContain('granularity is one of R5, R10, R20, R40, R80, 1-2-5, E6')
  expect(await refusalOf(start => start.bucketAuto({ buckets: 2 }))).toContain('groupBy is an expression')
})
