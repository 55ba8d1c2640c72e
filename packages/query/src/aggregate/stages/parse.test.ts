import { CloudError, GeoPoint, type Json, RegExpValue } from '@nearcloud/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Aggregation, Expression } from '../../types.ts'
import { aggregationToJson, parseAggregation } from './parse.ts'

const path = (name: string): Expression => ['path', name]
const everything = ['and', []] as const

const whole: Aggregation = {
  collection: 'c',
  stages: [
    [
      'match',
      [
        'and',
        [
          ['field', 'at', ['gte', new Date(5)]],
          ['expr', ['call', 'gt', ['list', [path('a'), path('b')]]]],
        ],
      ],
    ],
    [
      'project',
      [
        ['a', true],
        ['b.c', ['value', -0]],
        ['_id', false],
      ],
    ],
    ['project', [['a', false]]],
    [
      'addFields',
      [
        [
          'x.y',
          [
            'list',
            [
              ['value', new RegExpValue('a', 'i')],
              ['object', [['k', path('')]]],
            ],
          ],
        ],
      ],
    ],
    ['group', { by: ['value', null], fields: [['n', 'sum', ['value', 1]]] }],
    [
      'sort',
      [
        ['n', 'desc'],
        ['a.b', 'asc'],
      ],
    ],
    ['limit', 5],
    ['skip', 0],
    ['sample', 3],
    ['unwind', { path: 'a.b', index: 'i', keepEmpty: true }],
    ['unwind', { path: 'a', keepEmpty: false }],
    ['lookup', { from: 'd', as: 'x.y', localField: 'a', foreignField: 'b.c' }],
    [
      'lookup',
      {
        from: 'd',
        as: 'x',
        let: [['id', path('_id')]],
        pipeline: [
          ['match', ['expr', ['call', 'eq', ['list', [path('a'), ['variable', 'id', 'b']]]]]],
          ['addFields', [['z', ['variable', 'id', '']]]],
        ],
      },
    ],
    ['replaceRoot', ['object', [['a', path('b')]]]],
    ['sortByCount', path('a')],
    ['count', 'n'],
    [
      'bucket',
      {
        by: path('a'),
        boundaries: [new Date(1), new Date(2)],
        default: null,
        fields: [['n', 'sum', path('n')]],
      },
    ],
    ['bucketAuto', { by: path('a'), buckets: 4, fields: [] }],
  ],
}
const near: Aggregation = {
  collection: 'c',
  stages: [
    [
      'geoNear',
      {
        near: new GeoPoint(1, 2),
        distanceField: 'd',
        minDistance: 1,
        maxDistance: 2,
        query: everything,
        distanceMultiplier: 0.5,
        includeLocs: 'l',
        key: 'at',
        limit: 3,
      },
    ],
    ['limit', 1],
  ],
}

function parse(...stages: unknown[]): Aggregation {
  return parseAggregation(JSON.parse(JSON.stringify({ collection: 'c', stages })))
}

function refusal(...stages: unknown[]): string {
  try {
    parse(...stages)
  } catch (error) {
    expect(error).toBeInstanceOf(CloudError)
    return (error as CloudError).errMsg
  }
  return 'accepted'
}

const trip = (aggregation: Aggregation) =>
  parseAggregation(JSON.parse(JSON.stringify(aggregationToJson(aggregation))))

function isFrozenThrough(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || value instanceof Date) return true
  return Object.isFrozen(value) && Object.values(value).every(isFrozenThrough)
}

test('[STAGE-25] every stage survives the trip, and comes back frozen', () => {
  for (const aggregation of [whole, near]) {
    expect(trip(aggregation)).toEqual(aggregation)
    expect(isFrozenThrough(trip(aggregation))).toBe(true)
  }
})

test('[STAGE-25] stages are known ones, with one argument', () => {
  expect(refusal(['facet', {}])).toBe('stage 1 (facet): unknown operator "facet"')
  expect(refusal(['out', 'c'])).toContain('unknown operator')
  expect(refusal(['constructor', 1])).toContain('unknown operator "constructor"')
  expect(refusal(['limit', 1, 2])).toContain('a stage has one argument')
  expect(refusal('limit')).toContain('stage 1: a stage is a list')
  expect(() => parseAggregation({ collection: 'c', stages: {} })).toThrow('a pipeline is a list of stages')
  expect(() => parseAggregation({ collection: 'c' })).toThrow('a pipeline is a list of stages')
  expect(() => parseAggregation({ collection: '', stages: [] })).toThrow('Collection name is required')
  expect(() => parseAggregation({ collection: 'c', stages: [], limit: 1 })).toThrow('has no "limit"')
})

test('[STAGE-25] nothing stands beside the parts of a stage', () => {
  for (const stage of [...whole.stages, near.stages[0]!]) {
    const [name, argument] = stage
    if (typeof argument !== 'object' || Array.isArray(argument)) continue
    expect(refusal([name, { ...argument, more: 1 }])).toContain('has no "more"')
  }
})

test('[STAGE-25] operators, accumulators and variables are looked at before anything is read', () => {
  expect(refusal(['project', [['a', ['call', 'nothing', path('a')]]]])).toContain(
    'stage 1 (project): $.nothing',
  )
  expect(
    refusal(['limit', 1], ['group', { by: path('a'), fields: [['n', 'nothing', path('a')]] }]),
  ).toContain('stage 2 (group): $.nothing')
  expect(refusal(['match', ['expr', ['variable', 'id', '']]])).toContain('the variable $$id')
  expect(refusal(['addFields', [['a', ['variable', 'id', '']]]])).toContain('the variable $$id')
  const inside = {
    from: 'd',
    as: 'x',
    let: [['id', path('a')]],
    pipeline: [['sortByCount', ['variable', 'id', '']]],
  }
  expect(refusal(['lookup', inside])).toBe('accepted')
  expect(refusal(['lookup', { ...inside, let: [['id', ['variable', 'id', '']]] }])).toContain(
    'the variable $$id',
  )
  expect(refusal(['lookup', inside], ['sortByCount', ['variable', 'id', '']])).toContain(
    'stage 2 (sortByCount)',
  )
})

test('[STAGE-25] at most 100 stages together, those of lookups included', () => {
  const limits = (count: number) => Array.from({ length: count }, () => ['limit', 1])
  expect(refusal(...limits(100))).toBe('accepted')
  expect(refusal(...limits(101))).toContain('more than 100 stages')
  const join = ['lookup', { from: 'd', as: 'x', let: [], pipeline: limits(50) }]
  expect(refusal(join, ...limits(49))).toBe('accepted')
  expect(refusal(join, ...limits(50))).toContain('more than 100 stages')
})

test('[STAGE-25] at most 10,000 parts of expressions together', () => {
  const list = (count: number) => [
    'addFields',
    [['a', ['list', Array.from({ length: count }, () => ['value', 1])]]],
  ]
  expect(refusal(list(4_000), list(4_000))).toBe('accepted')
  expect(refusal(list(4_000), list(4_000), list(4_000))).toContain('more than 10000 parts')
  const fields = Array.from({ length: 6_000 }, (_each, i) => [`f${i}`, true])
  expect(refusal(['project', fields], ['project', fields])).toContain('more than 10000 parts')
})

test('[STAGE-25] conditions keep the limits of conditions', () => {
  const many = Array.from({ length: 1_001 }, () => ['and', []])
  expect(refusal(['match', ['and', many]])).toContain('stage 1 (match): more than 1000 conditions')
})

test('[STAGE-25] names and paths are usable ones', () => {
  for (const bad of ['__proto__', '$a', '', 'a..b', 7, null]) {
    expect(refusal(['project', [[bad, true]]])).not.toBe('accepted')
    expect(refusal(['addFields', [[bad, path('a')]]])).not.toBe('accepted')
    expect(refusal(['sort', [[bad, 'asc']]])).not.toBe('accepted')
    expect(refusal(['unwind', { path: bad, keepEmpty: true }])).not.toBe('accepted')
    expect(refusal(['count', bad])).not.toBe('accepted')
    expect(refusal(['group', { by: path('a'), fields: [[bad, 'sum', path('a')]] }])).not.toBe('accepted')
    expect(refusal(['lookup', { from: 'd', as: bad, localField: 'a', foreignField: 'b' }])).not.toBe(
      'accepted',
    )
    expect(refusal(['lookup', { from: 'd', as: 'x', let: [[bad, path('a')]], pipeline: [] }])).not.toBe(
      'accepted',
    )
  }
  expect(refusal(['group', { by: path('a'), fields: [['_id', 'sum', path('a')]] }])).toContain(
    '"_id" stands twice',
  )
})

/** Trees that are nearly right: parts of right ones in wrong places. */
const almost: fc.Arbitrary<Json> = (() => {
  const parts: Json[] = []
  const gather = (tree: Json) => {
    parts.push(tree)
    if (typeof tree === 'object' && tree !== null)
      for (const part of Object.values(tree)) gather(part as Json)
  }
  gather(aggregationToJson(whole))
  gather(aggregationToJson(near))
  const leaf = fc.oneof(
    fc.constantFrom(...parts),
    fc.constantFrom<Json>(null, true, 0, -1, 1e9, '', '$a', '__proto__', [], {}, { $date: 1 }),
  )
  const nested = fc.oneof(leaf, fc.array(leaf, { maxLength: 3 }))
  return fc.oneof(nested, fc.array(nested, { maxLength: 3 })) as fc.Arbitrary<Json>
})()

test('[STAGE-25] whatever arrives is understood or refused with a CloudError, and what is understood comes back', () => {
  const names = [...whole.stages, ...near.stages].map(([name]) => name)
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom(...names), almost), { maxLength: 3 }), stages => {
      let parsed: Aggregation | undefined
      try {
        parsed = parseAggregation(JSON.parse(JSON.stringify({ collection: 'c', stages })))
      } catch (error) {
        expect(error).toBeInstanceOf(CloudError)
      }
      if (parsed) expect(trip(parsed)).toEqual(parsed)
    }),
    { numRuns: 2_000 },
  )
})

test('[STAGE-25] a part of a stage that is replaced by anything else is refused or understood', () => {
  const others: Json[] = [null, true, 1, 'x', [], {}, [[]], [['x']], { a: 1 }]
  let count = 0
  for (const stage of [...whole.stages, ...near.stages]) {
    const { stages } = aggregationToJson({ collection: 'c', stages: [stage] }) as { stages: Json[][] }
    const [name, argument] = stages[0]!
    const keys = typeof argument === 'object' && argument !== null ? Object.keys(argument) : []
    for (const other of others)
      for (const key of keys) {
        const replaced = Array.isArray(argument) ? [...argument] : { ...(argument as object) }
        Object.assign(replaced, { [key]: other })
        count += Number(refusal([name, replaced]) !== 'accepted')
      }
  }
  expect(count).toBeGreaterThan(300)
})
