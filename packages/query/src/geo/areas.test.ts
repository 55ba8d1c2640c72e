import { type Document, type Geo, geoFromJson, normalise } from '@nearcloud/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compileFilter } from '../match/compile.ts'
import type { Test } from '../types.ts'

type Positions = readonly (readonly [number, number])[]

function geo(type: string, coordinates: unknown): Geo {
  return geoFromJson({ type, coordinates: coordinates as unknown[] })!
}
const point = (longitude: number, latitude: number) => geo('Point', [longitude, latitude])
const line = (...positions: Positions) => geo('LineString', positions)
const polygon = (...rings: Positions[]) => geo('Polygon', rings)
function box(west: number, south: number, east: number, north: number): Positions {
  return [
    [west, south],
    [east, south],
    [east, north],
    [west, north],
    [west, south],
  ]
}

function passes(value: unknown, condition: Test): boolean {
  return compileFilter(['field', 'g', condition])(normalise({ _id: 'x', g: value }) as Document)
}
const within = (value: unknown, geometry: Geo) => passes(value, ['geoWithin', { geometry }])
const inCap = (value: unknown, center: Geo, radius: number) =>
  passes(value, ['geoWithin', { centerSphere: [center, radius] }])
const intersects = (value: unknown, geometry: Geo) => passes(value, ['geoIntersects', { geometry }])

const ring = polygon(box(0, 0, 10, 10), box(4, 4, 6, 6))

test('[GEO-1] a polygon has what is inside its ring and outside its holes, its borders too', () => {
  expect([within(point(2, 2), ring), within(point(5, 5), ring), within(point(11, 5), ring)]).toEqual([
    true,
    false,
    false,
  ])
  for (const [longitude, latitude] of [
    [0, 0],
    [5, 0],
    [10, 10],
    [0, 5],
    [4, 4],
    [4, 5],
  ] as const)
    expect([longitude, latitude, within(point(longitude, latitude), ring)]).toEqual([
      longitude,
      latitude,
      true,
    ])
  expect(within(point(1e-9, -1e-9), ring)).toBe(false)
})

test('[GEO-2] edges are great circles: they bend towards the pole', () => {
  const wide = polygon(box(0, 40, 60, 60))
  expect([within(point(30, 62), wide), within(point(30, 41), wide)]).toEqual([true, false])
})

test('[GEO-3] the antimeridian and the poles are places like any other', () => {
  const pacific = polygon(box(170, -10, -170, 10))
  expect([
    within(point(180, 0), pacific),
    within(point(-175, 3), pacific),
    within(point(0, 0), pacific),
  ]).toEqual([true, true, false])
  const arctic = polygon([
    [0, 70],
    [90, 70],
    [180, 70],
    [-90, 70],
    [0, 70],
  ])
  expect([
    within(point(45, 90), arctic),
    within(point(13, 80), arctic),
    within(point(13, 60), arctic),
  ]).toEqual([true, true, false])
  expect(within(point(-180, 5), pacific)).toBe(true)
})

test('[GEO-4] a line or polygon is within when all of it is: not across a hole, a bay or a border', () => {
  expect(within(line([1, 1], [3, 9]), ring)).toBe(true)
  expect(within(line([1, 5], [9, 5]), ring)).toBe(false)
  expect(within(line([1, 1], [11, 1]), ring)).toBe(false)
  expect(within(line([4, 4], [4, 6]), ring)).toBe(true)
  const bay = polygon([
    [0, 0],
    [10, 0],
    [10, 10],
    [5, 1],
    [0, 10],
    [0, 0],
  ])
  expect(within(line([0, 10], [10, 10]), bay)).toBe(false)
  expect(within(line([1, 0], [9, 0]), bay)).toBe(true)
  expect(within(polygon(box(1, 1, 3, 3)), ring)).toBe(true)
  expect(within(polygon(box(3, 3, 7, 7)), ring)).toBe(false)
  expect(within(polygon(box(3, 3, 7, 7), box(4, 4, 6, 6)), ring)).toBe(true)
  expect(within(polygon(box(3, 3, 7, 7), box(3.5, 3.5, 6.5, 6.5)), ring)).toBe(true)
  expect(within(ring, ring)).toBe(true)
  expect(within(polygon(box(-1, -1, 11, 11)), ring)).toBe(false)
})

test('[GEO-5] of a multiple geometry every part is within one polygon of the area', () => {
  const islands = geo('MultiPolygon', [[box(0, 0, 2, 2)], [box(5, 0, 7, 2)]])
  expect(
    within(
      geo('MultiPoint', [
        [1, 1],
        [6, 1],
      ]),
      islands,
    ),
  ).toBe(true)
  expect(
    within(
      geo('MultiPoint', [
        [1, 1],
        [3, 1],
      ]),
      islands,
    ),
  ).toBe(false)
  expect(
    within(
      geo('MultiLineString', [
        [
          [0, 0],
          [1, 1],
        ],
        [
          [5, 1],
          [7, 1],
        ],
      ]),
      islands,
    ),
  ).toBe(true)
  expect(within(line([1, 1], [6, 1]), islands)).toBe(false)
  expect(within(geo('MultiPolygon', [[box(0, 0, 1, 1)]]), islands)).toBe(true)
})

test('[GEO-6] a cap has what is no farther than its angle', () => {
  const radius = 10 / 6378.1
  const beijing = point(116.4, 39.9)
  expect(inCap(point(116.4, 39.98), beijing, radius)).toBe(true)
  expect(inCap(point(116.4, 39.999), beijing, radius)).toBe(false)
  expect(inCap(line([116.4, 39.9], [116.4, 39.95]), beijing, radius)).toBe(true)
  expect(inCap(line([116.4, 39.9], [116.4, 41]), beijing, radius)).toBe(false)
  expect(inCap(polygon(box(116.39, 39.89, 116.41, 39.91)), beijing, radius)).toBe(true)
  expect(inCap(point(-63.6, -39.9), beijing, Math.PI)).toBe(true)
  expect(inCap(polygon(box(-64, -41, -63, -39)), beijing, 3.1)).toBe(false)
  expect(inCap(line([60, 0], [-60, 0]), point(0, 0), 1.2)).toBe(true)
  expect(inCap(line([80, 80], [-100, 80]), point(80, 0), 2)).toBe(true)
  expect(inCap(point(0, 0), point(0, 0), 0)).toBe(true)
})

test('[GEO-7] geometries intersect when they have a point in common', () => {
  expect(intersects(point(5, 5), ring)).toBe(false)
  expect(intersects(point(2, 2), ring)).toBe(true)
  expect(intersects(point(2, 2), point(2, 2))).toBe(true)
  expect(intersects(line([0, 0], [10, 0]), point(5, 0))).toBe(true)
  expect(intersects(line([0, 0], [10, 0]), line([5, -1], [5, 1]))).toBe(true)
  expect(intersects(line([0, 0], [10, 0]), line([5, 1], [5, 2]))).toBe(false)
  expect(intersects(line([0, 0], [10, 0]), line([10, 0], [12, 4]))).toBe(true)
  expect(intersects(line([0, 0], [10, 0]), line([8, 0], [20, 0]))).toBe(true)
  expect(intersects(polygon(box(4.5, 4.5, 5.5, 5.5)), ring)).toBe(false)
  expect(intersects(polygon(box(4, 4, 6, 6)), ring)).toBe(true)
  expect(intersects(polygon(box(1, 1, 2, 2)), ring)).toBe(true)
  expect(intersects(ring, polygon(box(1, 1, 2, 2)))).toBe(true)
  expect(intersects(line([-5, 5], [15, 5]), ring)).toBe(true)
  expect(
    intersects(
      geo('MultiPoint', [
        [50, 50],
        [1, 1],
      ]),
      ring,
    ),
  ).toBe(true)
})

test('[GEO-8] a list of geometries matches by any of them; anything else is nowhere', () => {
  expect(within([point(50, 50), point(1, 1)], ring)).toBe(true)
  for (const value of [null, 5, 'x', [1, 1], { type: 'Point' }, undefined])
    expect([within(value, ring), intersects(value, ring)]).toEqual([false, false])
})

test('[GEO-9] a stored polygon that no half of the sphere holds is its border only', () => {
  const belt = polygon([
    [0, 0],
    [120, 0],
    [-120, 0],
    [0, 0],
  ])
  expect(intersects(belt, point(60, 0))).toBe(true)
  expect(intersects(belt, point(60, 10))).toBe(false)
})

test('[GEO-10] small figures agree with the plain reading of a flat map', () => {
  const grid = fc.integer({ min: 0, max: 12 }).map(step => step / 1_000)
  const place = fc.tuple(grid, grid)
  fc.assert(
    fc.property(place, place, place, place, (a, b, c, p) => {
      const area = (o: readonly number[], q: readonly number[], r: readonly number[]) =>
        Math.round(((q[0]! - o[0]!) * (r[1]! - o[1]!) - (q[1]! - o[1]!) * (r[0]! - o[0]!)) * 1e6)
      const sides = [area(a, b, p), area(b, c, p), area(c, a, p)]
      fc.pre(area(a, b, c) !== 0 && !sides.includes(0))
      const inside = sides.every(side => side > 0) || sides.every(side => side < 0)
      const triangle = polygon([a, b, c, a])
      expect([within(point(...p), triangle), intersects(point(...p), triangle)]).toEqual([inside, inside])
    }),
    { numRuns: 500 },
  )
})

test('[GEO-11] what is within a polygon intersects it, and intersecting has no direction', () => {
  const degree = fc.integer({ min: -8, max: 8 })
  const shape = fc.oneof(
    fc.tuple(degree, degree).map(([x, y]) => point(x, y)),
    fc.tuple(degree, degree, degree, degree).map(([a, b, c, d]) => line([a, b], [c, d])),
    fc
      .tuple(degree, degree, fc.integer({ min: 1, max: 5 }))
      .map(([x, y, size]) => polygon(box(x, y, x + size, y + size))),
  )
  const area = fc.constantFrom(polygon(box(-5, -5, 5, 5), box(-1, -1, 1, 1)), polygon(box(-8, 0, 8, 8)))
  fc.assert(
    fc.property(shape, shape, area, (one, other, around) => {
      expect(intersects(one, other)).toBe(intersects(other, one))
      if (within(one, around)) expect([one, intersects(one, around)]).toEqual([one, true])
    }),
    { numRuns: 500 },
  )
})

test('[GEO-12] an area of a thousand corners is asked of a geometry of ten thousand without a wait', () => {
  const circle = (corners: number, radius: number) => {
    const ring = Array.from({ length: corners }, (_, i): [number, number] => [
      radius * Math.cos((i / corners) * 2 * Math.PI),
      radius * Math.sin((i / corners) * 2 * Math.PI),
    ])
    return polygon([...ring, ring[0]!])
  }
  const area = circle(1_000, 10)
  expect([within(circle(10_000, 9), area), within(circle(10_000, 11), area)]).toEqual([true, false])
  expect([intersects(circle(10_000, 9), area), intersects(circle(10_000, 11), area)]).toEqual([true, true])
})
