import { CloudError } from '@nearcloud/protocol'
import { beforeEach, expect, test } from 'vitest'
import { MemoryExecutor } from '../testing/memory-executor.ts'
import { createDatabase, type Database } from './database.ts'

let db: Database
let _: Database['command']

beforeEach(() => {
  const options = { newId: () => 'new', limits: { default: 20, max: 20 }, side: 'client' as const }
  db = createDatabase(new MemoryExecutor(5_000), { ...options, now: () => 5_000 })
  _ = db.command
})

async function add(...documents: object[]): Promise<void> {
  for (const data of documents) await db.collection('c').add({ data })
}

async function idsWhere(condition: unknown): Promise<unknown[]> {
  const { data } = await db.collection('c').where(condition).get()
  return data.map(({ _id }) => _id)
}

function refusal(make: () => unknown): string {
  try {
    make()
  } catch (error) {
    expect(error).toBeInstanceOf(CloudError)
    return (error as CloudError).errMsg
  }
  return 'accepted'
}

test('[WHERE-7] mod, all, size and elemMatch are said as in the original', async () => {
  await add(
    {
      _id: 1,
      n: 10,
      tags: ['a', 'b'],
      marks: [
        { by: 'ann', score: 3 },
        { by: 'bob', score: 9 },
      ],
    },
    { _id: 2, n: 11, tags: ['b'], marks: [{ by: 'ann', score: 9 }] },
  )
  expect(await idsWhere({ n: _.mod(10, 0) })).toEqual([1])
  expect(await idsWhere({ n: _.mod([10, 1]) })).toEqual([2])
  expect(await idsWhere({ tags: _.all(['b', 'a']) })).toEqual([1])
  expect(await idsWhere({ tags: _.size(1) })).toEqual([2])
  expect(await idsWhere({ marks: _.elemMatch({ by: 'ann', score: _.gt(5) }) })).toEqual([2])
  expect(await idsWhere({ marks: _.elemMatch({ score: _.gt(1).and(_.lt(5)) }) })).toEqual([1])
  expect(await idsWhere({ marks: _.elemMatch(_.or([{ score: 3 }, { by: 'eve' }])) })).toEqual([1])
  expect(await idsWhere({ tags: _.elemMatch(_.eq('a')) })).toEqual([1])
  expect(await idsWhere({ tags: _.elemMatch(_.gt('a').lt('c')) })).toEqual([1, 2])
  expect(await idsWhere({ tags: _.not(_.elemMatch(_.eq('a'))) })).toEqual([2])
})

test('[WHERE-8] their chains are joined by and, or by or', async () => {
  await add({ _id: 1, n: 10, tags: ['a', 'b'] }, { _id: 2, n: 12, tags: ['a'] })
  expect(await idsWhere({ n: _.mod(2, 0).gt(10) })).toEqual([2])
  expect(await idsWhere({ tags: _.size(2).in(['a']) })).toEqual([1])
  expect(await idsWhere({ tags: _.size(1).or(_.all(['b'])) })).toEqual([1, 2])
  expect(await idsWhere({ tags: _.all(['a']).and(_.size(2)) })).toEqual([1])
})

test('[WHERE-9] areas are polygons, several of them, or a distance around a point', async () => {
  const { Point, LineString, Polygon } = db.Geo
  await add({ _id: 1, at: new Point(1, 1) }, { _id: 2, at: new Point(20, 20) })
  const corners = [new Point(0, 0), new Point(5, 0), new Point(5, 5), new Point(0, 0)]
  const area = new Polygon([new LineString(corners)])
  expect(await idsWhere({ at: _.geoWithin({ geometry: area }) })).toEqual([1])
  expect(await idsWhere({ at: _.geoWithin({ centerSphere: [[1, 2], 200 / 6378.1] }) })).toEqual([1])
  expect(await idsWhere({ at: _.geoWithin({ centerSphere: [new Point(20, 20), 0.001] }) })).toEqual([2])
  expect(
    await idsWhere({ at: _.geoIntersects({ geometry: new LineString([new Point(0, 0), new Point(5, 5)]) }) }),
  ).toEqual([])
  expect(await idsWhere({ at: _.geoIntersects({ geometry: new Point(20, 20) }) })).toEqual([2])
  expect(await idsWhere({ at: _.exists(true).geoWithin({ geometry: area }) })).toEqual([1])
  expect(await idsWhere({ at: _.exists(true).geoIntersects({ geometry: area }) })).toEqual([1])
})

test('[WHERE-10] what these commands cannot mean is refused when it is said', () => {
  const where = (condition: unknown) => refusal(() => db.collection('c').where({ a: condition }))
  expect(refusal(() => _.mod(1))).toContain('_.mod')
  expect(where(_.mod(0, 1))).toContain('divisor')
  expect(refusal(() => _.all('a' as unknown as []))).toContain('_.all')
  expect(where(_.size(-1))).toContain('size')
  expect(where(_.size(1.5))).toContain('size')
  for (const bad of [5, 'x', null, undefined, [1], /a/])
    expect(refusal(() => _.elemMatch(bad))).toContain('_.elemMatch')
  expect(refusal(() => _.elemMatch({ $gt: 1 }))).toContain('$gt')
  const point = new db.Geo.Point(1, 1)
  expect(where(_.geoWithin({ geometry: point }))).toContain('Polygon')
  expect(where(_.geoWithin({ centerSphere: [point, -1] }))).toContain('radius')
  expect(refusal(() => _.geoWithin({ centerSphere: [point] as unknown as [unknown, number] }))).toContain(
    'radius',
  )
  expect(refusal(() => _.geoIntersects({ geometry: [1, 1] }))).toContain('geometry')
  expect(refusal(() => _.geoIntersects(undefined as unknown as { geometry: unknown }))).toContain('geometry')
})

test('[WHERE-11] the server’s time may be a condition on elements too', async () => {
  await add({ _id: 1, seen: [new Date(4_000)] }, { _id: 2, seen: [new Date(6_000)] })
  expect(await idsWhere({ seen: _.elemMatch(_.lt(db.serverDate())) })).toEqual([1])
})

test('[FIELD-1] a slice takes a part of an array and leaves the rest of the document as it is', async () => {
  await add({ _id: 1, list: [1, 2, 3, 4], other: 'x' })
  const get = async (fields: object) => {
    const { data } = await db
      .collection('c')
      .field(fields as { a: true })
      .get()
    return data[0]
  }
  const slice = _.project.slice
  expect(await get({ list: slice(1) })).toEqual({ _id: 1, list: [1], other: 'x' })
  expect(await get({ list: slice(-2) })).toEqual({ _id: 1, list: [3, 4], other: 'x' })
  expect(await get({ list: slice([1, 2]) })).toEqual({ _id: 1, list: [2, 3], other: 'x' })
  expect(await get({ list: slice([-3, 2]) })).toEqual({ _id: 1, list: [2, 3], other: 'x' })
  expect(await get({ list: slice([-9, 2]) })).toEqual({ _id: 1, list: [1, 2], other: 'x' })
  expect(await get({ list: slice([9, 2]) })).toEqual({ _id: 1, list: [], other: 'x' })
  expect(await get({ list: slice(0) })).toEqual({ _id: 1, list: [], other: 'x' })
  expect(await get({ other: slice(1) })).toEqual({ _id: 1, list: [1, 2, 3, 4], other: 'x' })
  expect(await get({ list: slice(1), other: false })).toEqual({ _id: 1, list: [1] })
  expect(await get({ list: slice(1), _id: false })).toEqual({ list: [1], other: 'x' })
  expect(await get({ list: slice(1), _id: true })).toEqual({ _id: 1, list: [1] })
  const { data } = await db
    .collection('c')
    .doc(1)
    .field({ list: slice(1), nothing: 1 })
    .get()
  expect(data).toEqual({ _id: 1, list: [1] })
})

test('[FIELD-2] elemMatch includes the first element that matches, and only that', async () => {
  await add({
    _id: 1,
    marks: [
      { by: 'ann', n: 1 },
      { by: 'bob', n: 2 },
      { by: 'bob', n: 3 },
    ],
    list: [1, 5, 7],
    x: 0,
  })
  const get = async (fields: object) =>
    (
      await db
        .collection('c')
        .field(fields as { a: true })
        .get()
    ).data[0]
  const { elemMatch, slice } = _.project
  expect(await get({ marks: elemMatch({ by: 'bob' }) })).toEqual({ _id: 1, marks: [{ by: 'bob', n: 2 }] })
  expect(await get({ list: elemMatch(_.gt(4)), x: true })).toEqual({ _id: 1, list: [5], x: 0 })
  expect(await get({ list: elemMatch(_.gt(9)), x: elemMatch(_.eq(0)) })).toEqual({ _id: 1 })
  expect(await get({ list: elemMatch(_.gt(4)), marks: slice(-1) })).toEqual({
    _id: 1,
    list: [5],
    marks: [{ by: 'bob', n: 3 }],
  })
})

test('[FIELD-3] projections that contradict each other or name no part are refused', () => {
  const { elemMatch, slice } = _.project
  const field = (fields: object) => refusal(() => db.collection('c').field(fields as { a: true }))
  expect(field({ a: false, list: elemMatch({ b: 1 }) })).toContain('either includes')
  expect(field({ _id: slice(1) })).toContain('_id')
  expect(field({ a: ['slice', [0]] })).toContain('slice')
  expect(field({ a: ['drop', [0, 1]] })).toContain('drop')
  expect(field({ list: slice(1), 'list.a': true })).toContain('same data')
  for (const bad of [1.5, 'x', [1], [1, 0], [0, -1], [1, 2, 3]])
    expect(refusal(() => slice(bad as number))).toContain('slice')
  expect(refusal(() => elemMatch(5))).toContain('elemMatch')
})
