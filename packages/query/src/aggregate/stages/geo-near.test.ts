import { GeoPoint } from '@nearcloud/protocol'
import { expect, test } from 'vitest'
import { command as _ } from '../../builder/commands.ts'
import { databaseWith, over, refusalOf } from '../../testing/database-with.ts'

const $ = _.aggregate
const near = new GeoPoint(0, 0)
const degree = (6_378_100 * Math.PI) / 180

const places = [
  { _id: 1, at: new GeoPoint(2, 0), kind: 'shop' },
  { _id: 2, at: new GeoPoint(1, 0), kind: 'park' },
  { _id: 3, at: [new GeoPoint(9, 0), new GeoPoint(3, 0)], kind: 'shop' },
  { _id: 4, kind: 'shop' },
  { _id: 5, at: 'nowhere', kind: 'shop' },
]
const options = { near, distanceField: 'metres', spherical: true, key: 'at' }

async function distances(more: object): Promise<unknown[][]> {
  const list = await over(places, start => start.geoNear({ ...options, ...more }))
  return list.map(each => [each._id, Math.round((each.metres as number) / degree)])
}

test('[STAGE-20] nearest first, with the distance in metres on a sphere of 6,378,100', async () => {
  const list = await over(places, start => start.geoNear(options))
  expect(list.map(({ _id }) => _id)).toEqual([2, 1, 3])
  expect(list[0]).toEqual({ _id: 2, at: new GeoPoint(1, 0), kind: 'park', metres: expect.closeTo(degree, 6) })
})

test('[STAGE-20] within the distances, that satisfy the query', async () => {
  expect(await distances({ maxDistance: 2.5 * degree })).toEqual([
    [2, 1],
    [1, 2],
  ])
  expect(await distances({ minDistance: 1.5 * degree })).toEqual([
    [1, 2],
    [3, 3],
  ])
  expect(await distances({ minDistance: 4 * degree })).toEqual([[3, 9]])
  expect(await distances({ query: { kind: 'shop' } })).toEqual([
    [1, 2],
    [3, 3],
  ])
  expect(await distances({ limit: 1 })).toEqual([[2, 1]])
})

test('[STAGE-20] a factor for the distance, and the point it is to', async () => {
  const list = await over(places, start =>
    start
      .geoNear({ ...options, distanceField: 'd.km', distanceMultiplier: 0.001, includeLocs: 'd.to' })
      .skip(2),
  )
  expect(list[0]!.d).toEqual({ km: expect.closeTo((3 * degree) / 1_000, 6), to: new GeoPoint(3, 0) })
})

test('[STAGE-20] without a key it is the first point in the document, whatever is around it', async () => {
  const anywhere = [
    { _id: 1, a: { deep: [{ no: 1 }, { here: new GeoPoint(5, 0) }] }, b: new GeoPoint(1, 0) },
    { _id: 2, point: new GeoPoint(2, 0) },
    { _id: 3, a: 1 },
  ]
  const list = await over(anywhere, start => start.geoNear({ near, distanceField: 'd' }).project({ _id: 1 }))
  expect(list).toEqual([{ _id: 2 }, { _id: 1 }])
})

test('[STAGE-20] at most 100 when nothing is said, with a key and without', async () => {
  const many = Array.from({ length: 130 }, (_each, i) => ({ _id: i, at: new GeoPoint(i, 0) }))
  expect(await over(many, start => start.geoNear(options))).toHaveLength(100)
  expect(await over(many, start => start.geoNear({ near, distanceField: 'd' }))).toHaveLength(100)
  expect(await over(many, start => start.geoNear({ ...options, limit: 120 }))).toHaveLength(120)
})

test('[STAGE-20] plain GeoJSON is a point too, and where() before it is of the query', async () => {
  const db = await databaseWith({ c: places })
  const point = { type: 'Point', coordinates: [0, 0] }
  const { list } = await db
    .collection('c')
    .where({ kind: 'shop' })
    .aggregate()
    .geoNear({ ...options, near: point })
    .group({ _id: '$kind', ids: $.push('$_id') })
    .end()
  expect(list).toEqual([{ _id: 'shop', ids: [1, 3] }])
})

test('[STAGE-20] geoNear is the first stage, and on the sphere', async () => {
  expect(await refusalOf(start => start.limit(1).geoNear(options))).toContain(
    'stage 2 (geoNear): it is the first stage, or none',
  )
  expect(await refusalOf(start => start.geoNear({ ...options, spherical: false }))).toContain(
    'spherical is true',
  )
})

test('[STAGE-20] what geoNear cannot mean is refused', async () => {
  const refused = (more: object) => refusalOf(start => start.geoNear({ ...options, ...more }))
  expect(await refused({ near: [0, 0] })).toContain('a geometry that is a Point')
  expect(await refused({ near: undefined })).toContain('a geometry that is a Point')
  expect(await refused({ distanceField: undefined })).toContain('the path "undefined"')
  expect(await refused({ distanceField: '$d' })).toContain('"$d"')
  expect(await refused({ maxDistance: -1 })).toContain('maxDistance is a number of metres')
  expect(await refused({ limit: 0 })).toContain('limit is a whole number, 1 or more')
  expect(await refused({ distanceMultiplier: 'x' })).toContain('distanceMultiplier is a number')
  expect(await refused({ query: { at: _.geoNear({ geometry: near }) } })).toContain(
    'query has no condition "geoNear"',
  )
  expect(await refused({ num: 3 })).toContain('there is no "num"')
})
