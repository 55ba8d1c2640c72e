import { CloudError, GeoPoint, geoFromJson, normalise, RegExpValue, type Value } from '@nearcloud/protocol'
import { arbitraryValue } from '@nearcloud/protocol/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Fields, Filter, Query } from '../types.ts'
import { parseQuery, queryToJson } from './parse-query.ts'

const plain = { collection: 'c', where: ['and', []], orderBy: [], skip: 0 }

function parse(parts: object): Query {
  return parseQuery(JSON.parse(JSON.stringify({ ...plain, ...parts })))
}

function refusal(parts: object): string {
  try {
    parse(parts)
  } catch (error) {
    expect(error).toBeInstanceOf(CloudError)
    return (error as CloudError).errMsg
  }
  return 'accepted'
}

/** A filter with one test on `a`. */
const on = (test: unknown) => ({ where: ['field', 'a', test] })

test('[PARSE-1] a query survives the trip, typed values and all', () => {
  const query: Query = {
    collection: 'c',
    where: [
      'and',
      [
        [
          'field',
          'at',
          [
            'and',
            [
              ['gte', new Date(5)],
              ['lt', new Date(9)],
            ],
          ],
        ],
        [
          'or',
          [
            ['field', 'name', ['eq', new RegExpValue('^a', 'i')]],
            ['nor', [['field', 'n', ['in', [-0, Number.NaN, null]]]]],
          ],
        ],
        ['field', 'place', ['geoNear', { geometry: new GeoPoint(1, 2), maxDistance: 10 }]],
      ],
    ],
    orderBy: [['a.b', 'desc']],
    skip: 3,
    limit: 10,
    fields: { a: true, _id: false },
  }
  expect(parseQuery(JSON.parse(JSON.stringify(queryToJson(query))))).toEqual(query)
})

test('[PARSE-2] any value can be compared with, at its full depth', () => {
  fc.assert(
    fc.property(arbitraryValue(), input => {
      const where: Filter = ['field', 'a', ['in', [normalise(input)]]]
      const query: Query = { collection: 'c', where, orderBy: [], skip: 0 }
      expect(parseQuery(JSON.parse(JSON.stringify(queryToJson(query)))).where).toEqual(where)
    }),
  )
  let deep: Value = 1
  for (let i = 0; i < 64; i++) deep = [deep]
  expect(refusal(on(['eq', deep]))).toBe('accepted')
})

test('[PARSE-3] only the language’s own shapes and operators are taken', () => {
  for (const where of [
    undefined,
    null,
    {},
    'and',
    [],
    ['and'],
    ['and', {}],
    ['and', [], []],
    ['xor', []],
    ['field', 'a'],
    ['field', 'a', ['eq', 1], 2],
    ['$where', 'x'],
    ['__proto__', []],
    ['constructor', []],
  ])
    expect([where, refusal({ where })]).not.toEqual([where, 'accepted'])
  for (const bad of [
    null,
    [],
    ['eq'],
    ['eq', 1, 2],
    ['in', 1],
    ['exists', 1],
    ['and', 1],
    ['not', 1],
    ['regex', 'x'],
    ['toString', 1],
    ['gt', { $regularExpression: { pattern: 'a', options: '' } }],
    ['eq', { $where: 'x' }],
    ['eq', { a: { $serverDate: 0 } }],
    ['geoNear', {}],
    ['geoNear', { geometry: { type: 'Point', coordinates: [0, 0] }, maxDistance: -1 }],
    ['geoNear', { geometry: { type: 'Point', coordinates: [0, 0] }, near: 1 }],
  ])
    expect([bad, refusal(on(bad))]).not.toEqual([bad, 'accepted'])
  expect(refusal({ more: 1 })).toContain('"more"')
  for (const tree of [null, 5, 'x', []]) expect(() => parseQuery(tree)).toThrow(CloudError)
})

test('[PARSE-4] paths and names that reach a prototype, or are none, are refused', () => {
  for (const path of [
    '',
    '.',
    'a.',
    '.a',
    'a..b',
    '$a',
    'a.$b',
    '__proto__',
    'a.__proto__.b',
    'constructor',
    5,
    null,
    `${'a.'.repeat(65)}a`,
    '\ud800',
  ])
    for (const parts of [{ where: ['field', path, ['eq', 1]] }, { orderBy: [[path, 'asc']] }])
      expect([path, refusal(parts)]).not.toEqual([path, 'accepted'])
  for (const path of ['', '$a', 'a.__proto__'])
    expect(refusal({ fields: { [path]: true } })).not.toBe('accepted')
  for (const collection of ['', '_files', 'a.b', '__proto__', 5, undefined])
    expect(refusal({ collection })).not.toBe('accepted')
})

test('[PARSE-5] budgets hold: conditions, nesting, keys of order, expressions in lists', () => {
  const many = (count: number) => ({
    where: ['and', Array.from({ length: count }, () => ['field', 'a', ['eq', 1]])],
  })
  expect(refusal(many(499))).toBe('accepted')
  expect(refusal(many(500))).toContain('more than 1000 conditions')
  const nested = (levels: number) => {
    let where: unknown = ['field', 'a', ['eq', 1]]
    for (let i = 0; i < levels; i++) where = ['and', [where]]
    return { where }
  }
  expect(refusal(nested(30))).toBe('accepted')
  expect(refusal(nested(31))).toContain('deeper than 32')
  expect(refusal({ orderBy: Array.from({ length: 33 }, () => ['a', 'asc']) })).toContain('at most 32')
  const expression = { $regularExpression: { pattern: 'a', options: '' } }
  expect(refusal(on(['in', Array.from({ length: 1_001 }, () => expression)]))).toContain('more than 1000')
  expect(refusal(on(['in', Array.from({ length: 5_000 }, (_, i) => i)]))).toBe('accepted')
  expect(refusal(on(['eq', { $regularExpression: { pattern: '(a)\\1', options: '' } }]))).toContain(
    'back-reference',
  )
})

test('[PARSE-6] numbers are whole and in range; a projection is of one kind', () => {
  for (const skip of [-1, 1.5, '1', null, 1e300]) expect(refusal({ skip })).not.toBe('accepted')
  for (const limit of [0, -1, 1.5, '1', null]) expect(refusal({ limit })).not.toBe('accepted')
  for (const fields of [{ a: 1 }, { a: true, b: false }, { a: true, 'a.b': true }, [], null])
    expect(refusal({ fields })).not.toBe('accepted')
  expect(refusal({ fields: { a: false, _id: true } })).toBe('accepted')
  for (const orderBy of [[['a']], [['a', 'up']], [['a', 'asc', 1]], {}, ['a']])
    expect(refusal({ orderBy })).not.toBe('accepted')
})

test('[PARSE-7] geoNear stands once, and where every match satisfies it', () => {
  const near = ['field', 'a', ['geoNear', { geometry: { type: 'Point', coordinates: [0, 0] } }]]
  expect(refusal({ where: ['and', [near, ['field', 'b', ['eq', 1]]]] })).toBe('accepted')
  for (const where of [
    ['or', [near]],
    ['nor', [near]],
    ['and', [near, near]],
    ['field', 'a', ['not', near[2]]],
    ['field', 'a', ['or', [near[2]]]],
  ])
    expect(refusal({ where })).toContain('geoNear')
})

test('[PARSE-8] whatever arrives is understood or refused, and never anything else', () => {
  const word = fc.constantFrom(
    'and',
    'or',
    'nor',
    'not',
    'field',
    'eq',
    'in',
    'exists',
    'geoNear',
    'a',
    '$x',
    '__proto__',
  )
  const { tree } = fc.letrec<{ tree: unknown }>(tie => ({
    tree: fc.oneof(
      { maxDepth: 5 },
      word,
      fc.jsonValue({ maxDepth: 2 }),
      fc.array(tie('tree'), { maxLength: 3 }),
      fc.tuple(word, tie('tree')),
      fc.tuple(fc.constant('field'), word, tie('tree')),
    ),
  }))
  fc.assert(
    fc.property(tree, fc.jsonValue(), (where, other) => {
      for (const parts of [{ where }, { orderBy: other }, { fields: other }, { skip: other }])
        try {
          const query = parse(parts)
          expect(parseQuery(JSON.parse(JSON.stringify(queryToJson(query))))).toEqual(query)
        } catch (error) {
          expect(error).toBeInstanceOf(CloudError)
        }
    }),
    { numRuns: 300 },
  )
})

test('[PARSE-9] conditions on elements and areas, and parts of arrays, survive the trip', () => {
  const square = geoFromJson({
    type: 'Polygon',
    coordinates: [
      [
        [0, 0],
        [1, 0],
        [1, 1],
        [0, 0],
      ],
    ],
  })!
  const where: Filter = [
    'and',
    [
      ['field', 'n', ['mod', [4, 1]]],
      ['field', 'tags', ['all', ['a', new RegExpValue('^b'), [1]]]],
      ['field', 'tags', ['size', 2]],
      ['field', 'marks', ['elemMatch', { where: ['field', 'at', ['gt', new Date(5)]] }]],
      [
        'field',
        'marks',
        [
          'not',
          [
            'elemMatch',
            {
              is: [
                'or',
                [
                  ['eq', null],
                  ['elemMatch', { is: ['size', 0] }],
                ],
              ],
            },
          ],
        ],
      ],
      ['field', 'g', ['geoWithin', { geometry: square }]],
      ['field', 'g', ['geoWithin', { centerSphere: [new GeoPoint(1, 2), 0.5] }]],
      ['field', 'g', ['geoIntersects', { geometry: new GeoPoint(1, 2) }]],
    ],
  ]
  const fields: Fields = {
    tags: ['slice', [-2, 1]],
    marks: ['elemMatch', { where: ['field', 'at', ['eq', new Date(1)]] }],
  }
  const query: Query = { collection: 'c', where, orderBy: [], skip: 0, fields }
  expect(parseQuery(JSON.parse(JSON.stringify(queryToJson(query))))).toEqual(query)
})

test('[PARSE-10] their arguments are as strict, and what is inside counts', () => {
  const point = { type: 'Point', coordinates: [0, 0] }
  const half = {
    type: 'Polygon',
    coordinates: [
      [
        [0, 0],
        [120, 0],
        [-120, 0],
        [0, 0],
      ],
    ],
  }
  for (const bad of [
    ['mod', [0, 1]],
    ['mod', [0.5, 1]],
    ['mod', [1]],
    ['mod', [1, 2, 3]],
    ['mod', ['4', 1]],
    ['mod', 4],
    ['all', 'a'],
    ['size', -1],
    ['size', 1.5],
    ['size', '1'],
    ['elemMatch', {}],
    ['elemMatch', ['eq', 1]],
    ['elemMatch', { is: ['eq', 1], where: ['and', []] }],
    ['elemMatch', { is: ['and', []], more: 1 }],
    ['elemMatch', { where: ['field', '__proto__', ['eq', 1]] }],
    ['elemMatch', { where: ['field', 'b', ['geoNear', { geometry: point }]] }],
    ['geoWithin', {}],
    ['geoWithin', { geometry: point }],
    ['geoWithin', { geometry: half }],
    ['geoWithin', { geometry: { type: 'Polygon', coordinates: [] } }],
    ['geoWithin', { centerSphere: [point] }],
    ['geoWithin', { centerSphere: [point, -1] }],
    ['geoWithin', { centerSphere: [[0, 0], 1] }],
    ['geoWithin', { centerSphere: [point, 1, 2] }],
    ['geoWithin', { centerSphere: [point, 1], geometry: half }],
    ['geoIntersects', point],
    ['geoIntersects', { geometry: [0, 0] }],
    ['geoIntersects', { geometry: half }],
  ])
    expect([bad, refusal(on(bad))]).not.toEqual([bad, 'accepted'])
  const nested = (levels: number) => {
    let test: unknown = ['eq', 1]
    for (let i = 0; i < levels; i++) test = ['elemMatch', { is: test }]
    return on(test)
  }
  expect([refusal(nested(30)), refusal(nested(31))]).toEqual(['accepted', expect.stringContaining('deeper')])
  expect(refusal(on(['all', Array.from({ length: 1_000 }, (_, i) => i)]))).toContain('more than 1000')
  const long = { type: 'LineString', coordinates: Array.from({ length: 501 }, (_, i) => [i / 100, 1]) }
  expect(refusal(on(['geoIntersects', { geometry: long }]))).toBe('accepted')
  const twice = [0, 1].map(() => ['field', 'a', ['geoIntersects', { geometry: long }]])
  expect(refusal({ where: ['and', twice] })).toContain('too many positions')
  for (const choice of [
    ['slice', [0]],
    ['slice', [0, -1]],
    ['slice', [0.5, 1]],
    ['slice', 1],
    ['slice', [0, 1], 1],
    ['elemMatch', ['eq', 1]],
    ['drop', 1],
    [],
    null,
    1,
  ])
    expect([choice, refusal({ fields: { a: choice } })]).not.toEqual([choice, 'accepted'])
  expect(refusal({ fields: { a: ['elemMatch', { is: ['eq', 1] }], b: false } })).toContain('either')
})
