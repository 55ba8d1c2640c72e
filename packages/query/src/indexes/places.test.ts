import { type Document, type Geo, geoFromJson, normalise } from '@nearcloud/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { evaluate } from '../evaluate.ts'
import { vectorOf } from '../geo/sphere.ts'
import { compileFilter } from '../match/compile.ts'
import type { Filter, IndexDefinition, Query, Test } from '../types.ts'
import { ballAround, childrenOf, faces, firstLeafOf, leafAt, leafLevel, leavesOf, parentOf } from './cells.ts'
import { compileIndexKeys } from './index-keys.ts'
import { nearestFirst } from './nearest.ts'
import { planIndex } from './plan-index.ts'

type Positions = readonly (readonly [number, number])[]

function geo(type: string, coordinates: unknown): Geo {
  return geoFromJson({ type, coordinates: coordinates as unknown[] })!
}

/** Anywhere, and often where maps end. */
const position = fc.oneof(
  fc.tuple(fc.double({ min: -180, max: 180, noNaN: true }), fc.double({ min: -90, max: 90, noNaN: true })),
  fc.tuple(
    fc.constantFrom(-180, 180, 179.999, -135, -90, -45, 0, 45, 90),
    fc.constantFrom(-90, -89.999, -45, 0, 35.264389682754654, 45, 89.999, 90),
  ),
)
/** Shapes of any size around a place. */
const figure = fc
  .tuple(position, fc.constantFrom(1e-6, 0.001, 0.1, 2, 20, 100), fc.integer({ min: 3, max: 6 }))
  .map(([[longitude, latitude], size, corners]): Positions => {
    const around = Array.from({ length: corners }, (_, i): [number, number] => [
      ((longitude + size * Math.cos((i * 2 * Math.PI) / corners) + 540) % 360) - 180,
      Math.max(-90, Math.min(90, latitude + (size / 2) * Math.sin((i * 2 * Math.PI) / corners))),
    ])
    return [...around, around[0]!]
  })
const point = position.map(each => geo('Point', each))
const polygon = figure.map(ring => geo('Polygon', [ring]))
const shape = fc.oneof(
  { weight: 2, arbitrary: point },
  { weight: 2, arbitrary: polygon },
  figure.map(line => geo('LineString', line.slice(1))),
  fc.array(position, { minLength: 1, maxLength: 10 }).map(list => geo('MultiPoint', list)),
  fc.array(figure, { minLength: 1, maxLength: 3 }).map(list =>
    geo(
      'MultiPolygon',
      list.map(ring => [ring]),
    ),
  ),
)
const area: fc.Arbitrary<Test> = fc.oneof(
  polygon.map((geometry): Test => ['geoWithin', { geometry }]),
  fc.array(figure, { minLength: 1, maxLength: 2 }).map(
    (list): Test => [
      'geoWithin',
      {
        geometry: geo(
          'MultiPolygon',
          list.map(ring => [ring]),
        ),
      },
    ],
  ),
  fc
    .tuple(point, fc.constantFrom(0, 1e-6, 0.01, 0.5, 2, 3.2))
    .map(([center, radius]): Test => ['geoWithin', { centerSphere: [center, radius] }]),
  shape.map((geometry): Test => ['geoIntersects', { geometry }]),
  fc
    .tuple(point, fc.constantFrom(0, 10, 1e5, 1e7, 20_037_500))
    .map(([geometry, maxDistance]): Test => ['geoNear', { geometry, maxDistance }]),
)

const definition: IndexDefinition = { name: 'i', keys: [['g', '2dsphere']], unique: false }
const asked = (where: Filter): Query => ({ collection: 'things', where, orderBy: [], skip: 0 })
const documentOf = (fields: object) => normalise({ _id: 'x', ...fields }) as Document

function isFound(document: Document, where: Filter, index = definition): boolean {
  const { ranges } = planIndex(index, true, asked(where))!
  const { keys } = compileIndexKeys(index)(document)
  return keys.some(key => ranges.some(({ from, to }) => key >= from && (to === undefined || key < to)))
}

test('[KEY-7] a point is in one leaf, which is in each cell around it', () => {
  fc.assert(
    fc.property(position, place => {
      const point = vectorOf(place)
      const leaf = leafAt(point)
      const first = firstLeafOf(leaf)
      for (let cell = leaf; ; cell = parentOf(cell)) {
        const { center, radius } = ballAround(cell)
        const [x, y, z] = center
        const chord = Math.hypot(x - point[0], y - point[1], z - point[2])
        expect(2 * Math.asin(Math.min(1, chord / 2))).toBeLessThan(radius + 1e-9)
        expect(first).toBeGreaterThanOrEqual(firstLeafOf(cell))
        expect(first).toBeLessThan(firstLeafOf(cell) + leavesOf(cell))
        if (cell.level === 0) break
      }
    }),
  )
  const children = childrenOf(faces[5]!)
  expect(children.map(child => [firstLeafOf(child), parentOf(child)])).toEqual(
    [0, 1, 2, 3].map(i => [(20 + i) * 4 ** (leafLevel - 1), faces[5]]),
  )
})

test('[KEY-7] every geometry in an area is found, wherever on the sphere both are', () => {
  let matched = 0
  fc.assert(
    fc.property(shape, area, (g, condition) => {
      const where: Filter = ['field', 'g', condition]
      const document = documentOf({ g: [g] })
      if (!compileFilter(where)(document)) return
      matched++
      expect(isFound(document, where)).toBe(true)
    }),
    { numRuns: 3_000 },
  )
  expect(matched).toBeGreaterThan(200)
})

test('[KEY-7] what lies on the border of an area, or across the cells around it, is found', () => {
  fc.assert(
    fc.property(figure, fc.constantFrom('Point', 'LineString', 'Polygon'), fc.nat(9), (ring, type, at) => {
      const corner = ring[at % ring.length]!
      const g = type === 'Point' ? geo(type, corner) : geo(type, type === 'LineString' ? ring : [ring])
      for (const condition of [
        ['geoIntersects', { geometry: geo('Polygon', [ring]) }],
        ['geoIntersects', { geometry: geo('Point', corner) }],
        ['geoWithin', { geometry: geo('Polygon', [ring]) }],
        ['geoNear', { geometry: geo('Point', corner), maxDistance: 0 }],
      ] as const) {
        const where: Filter = ['field', 'g', condition]
        if (compileFilter(where)(documentOf({ g }))) expect(isFound(documentOf({ g }), where)).toBe(true)
      }
    }),
    { numRuns: 300 },
  )
})

test('[KEY-7] a geometry has at most 12 cells; what is none has the key of null', () => {
  const keysOf = compileIndexKeys(definition)
  fc.assert(
    fc.property(shape, g => {
      expect(keysOf(documentOf({ g })).keys.length).toBeLessThanOrEqual(12)
    }),
    { numRuns: 300 },
  )
  expect(keysOf(documentOf({ g: geo('Point', [1, 1]) }))).toMatchObject({ isMultikey: false })
  const nothing = keysOf(documentOf({})).keys
  for (const g of [null, 5, [1, 1], { type: 'Point' }])
    expect(keysOf(documentOf({ g })).keys).toEqual(nothing)
  expect(keysOf(documentOf({ g: [5, geo('Point', [1, 1])] })).keys.length).toBe(1)
})

test('[KEY-7] an area is few ranges, and leaves out what is far', () => {
  const towns = Array.from({ length: 2_000 }, (_, i) =>
    documentOf({ g: geo('Point', [100 + (i % 50) * 0.4, 20 + Math.floor(i / 50) * 0.4]) }),
  )
  const near: Filter = [
    'field',
    'g',
    ['geoNear', { geometry: geo('Point', [110, 30]), maxDistance: 100_000 }],
  ]
  const found = towns.filter(town => isFound(town, near))
  const matching = towns.filter(compileFilter(near))
  expect(matching.length).toBeGreaterThan(10)
  expect(found.length).toBeLessThan(matching.length * 4)
  expect(planIndex(definition, false, asked(near))!.ranges.length).toBeLessThan(80)
})

test('[KEY-7] of two areas the smaller is looked in, after equalities of the paths before', () => {
  const index: IndexDefinition = {
    ...definition,
    keys: [
      ['kind', 1],
      ['g', '2dsphere'],
    ],
  }
  const [here, there] = [geo('Point', [10, 10]), geo('Point', [10.5, 10.5])]
  const where: Filter = [
    'and',
    [
      ['field', 'kind', ['in', ['a', 'x'.repeat(1_020)]]],
      ['field', 'g', ['geoNear', { geometry: here, maxDistance: 1_000_000 }]],
      ['field', 'g', ['geoWithin', { centerSphere: [here, 0.0001] }]],
    ],
  ]
  const found = (fields: object) => isFound(documentOf(fields), where, index)
  expect([
    found({ kind: 'a', g: here }),
    found({ kind: 'a', g: there }),
    found({ kind: 'b', g: here }),
  ]).toEqual([true, false, false])
  expect(found({ kind: 'x'.repeat(1_020), g: here })).toBe(true)
  expect(planIndex(index, false, asked(['field', 'kind', ['eq', 'a']]))).toMatchObject({
    equalities: 1,
    hasBound: false,
  })
  expect(planIndex(definition, false, asked(['field', 'kind', ['eq', 'a']]))).toBeUndefined()
})

test('[KEY-10] what is nearest is the beginning of the whole answer, found in a circle around', () => {
  const documents = fc
    .array(point, { minLength: 1, maxLength: 12 })
    .map(list => list.map((g, i) => normalise({ _id: i, g: i % 3 === 0 ? [g, list[0]] : g }) as Document))
  const near = fc.record(
    { geometry: point, minDistance: fc.constant(1e6), maxDistance: fc.constant(1.2e7) },
    { requiredKeys: ['geometry'] },
  )
  fc.assert(
    fc.property(documents, near, fc.constantFrom(0, 1e3, 5e6, 1.1e7, 2.1e7), (documents, near, metres) => {
      const query = asked(['field', 'g', ['geoNear', near]])
      const [whole, part] = [query, nearestFirst(query)!.within(metres)].map(each =>
        evaluate(each, documents),
      )
      expect(part).toEqual(whole!.slice(0, part!.length))
      if (metres > 2e7) expect(part).toEqual(whole)
    }),
    { numRuns: 300 },
  )
  const where: Filter = ['field', 'g', ['geoNear', { geometry: geo('Point', [1, 1]) }]]
  expect(nearestFirst({ ...asked(where), orderBy: [['a', 'asc']] })).toBeUndefined()
  expect(nearestFirst(asked(['field', 'a', ['eq', 1]]))).toBeUndefined()
})
