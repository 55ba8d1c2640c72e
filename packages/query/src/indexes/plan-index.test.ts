import { type Document, normalise, type Value } from '@nearcloud/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { evaluate } from '../evaluate.ts'
import { compileFilter } from '../match/compile.ts'
import { compileOrder, firstInOrder } from '../sort.ts'
import type { Filter, IndexDefinition, Query, Test } from '../types.ts'
import { chooseIndex } from './choose-index.ts'
import { compileIndexKeys } from './index-keys.ts'
import type { KeyRange } from './key-ranges.ts'
import { type IndexPlan, planIndex } from './plan-index.ts'

const long = 'x'.repeat(1_100)
const scalar = fc.constantFrom<Value>(
  ...[null, 0, 1, 2, 3, Number.NaN, 'a', 'b', 'ab', '', true, new Date(1), long, `${long}y`, `${long}z`],
)
const { value } = fc.letrec<{ value: Value }>(tie => ({
  value: fc.oneof(
    { maxDepth: 2 },
    { weight: 4, arbitrary: scalar },
    { weight: 1, arbitrary: fc.array(tie('value'), { maxLength: 3 }) },
    { weight: 1, arbitrary: fc.dictionary(fc.constantFrom('a', 'b'), tie('value'), { maxKeys: 2 }) },
  ),
}))
/** Half of them plain, so that orders are given. */
const fields = fc.oneof(
  fc.dictionary(fc.constantFrom('a', 'b'), scalar),
  fc.dictionary(fc.constantFrom('a', 'b'), value),
)
const documents = fc
  .array(fields, { maxLength: 8 })
  .map(list => list.map((each, i) => normalise({ _id: i, ...each }) as Document))
const path = fc.constantFrom('a', 'b', 'a.b', 'a.a', 'a.0', '_id')
const { condition } = fc.letrec<{ condition: Test }>(tie => ({
  condition: fc.oneof(
    { maxDepth: 1 },
    fc.tuple(fc.constant('eq' as const), value),
    fc.tuple(fc.constantFrom('gt' as const, 'gte' as const, 'lt' as const, 'lte' as const), value),
    fc.tuple(fc.constant('in' as const), fc.array(value, { maxLength: 3 })),
    fc.tuple(fc.constant('all' as const), fc.array(value, { maxLength: 2 })),
    fc.tuple(
      fc.constant('eq' as const),
      fc.constantFrom(/^a/, /^x/, /^$/).map(each => normalise(each)),
    ),
    fc.tuple(fc.constant('and' as const), fc.array(tie('condition'), { minLength: 1, maxLength: 3 })),
    fc.tuple(
      fc.constant('elemMatch' as const),
      fc.oneof(
        fc.record({ is: tie('condition') }),
        fc.record({ where: fc.tuple(fc.constant('field' as const), fc.constant('b'), tie('condition')) }),
      ),
    ),
  ),
}))
const where: fc.Arbitrary<Filter> = fc
  .array(fc.tuple(fc.constant('field' as const), path, condition), { maxLength: 3 })
  .map(list => ['and', list])
const query: fc.Arbitrary<Query> = fc.record({
  collection: fc.constant('things'),
  where,
  orderBy: fc.array(fc.tuple(path, fc.constantFrom('asc' as const, 'desc' as const)), { maxLength: 3 }),
  skip: fc.constant(0),
})
const definition: fc.Arbitrary<IndexDefinition> = fc.record({
  name: fc.constant('i'),
  keys: fc.uniqueArray(fc.tuple(path, fc.constantFrom(1 as const, -1 as const)), {
    minLength: 1,
    maxLength: 3,
    selector: ([at]) => at,
  }),
  unique: fc.boolean(),
})

/** An index as an engine keeps it: its keys in order, and what is multikey in it. */
function indexed(definition: IndexDefinition, documents: readonly Document[]) {
  const keysOf = compileIndexKeys(definition)
  const rows = documents.flatMap(document => keysOf(document).keys.map(key => ({ key, document })))
  rows.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
  const multikey = new Set(documents.flatMap(document => keysOf(document).multikeyPaths))
  const inRanges = (ranges: readonly KeyRange[]) =>
    rows.filter(({ key }) => ranges.some(({ from, to }) => key >= from && (to === undefined || key < to)))
  return { multikey, inRanges }
}

const asked = (where: Filter, more: Partial<Query> = {}): Query => ({
  collection: 'things',
  where,
  orderBy: [],
  skip: 0,
  ...more,
})
const index = (...keys: IndexDefinition['keys'][number][]): IndexDefinition => ({
  name: keys.flat().join('_'),
  keys,
  unique: false,
})

test('[KEY-5] every document that matches has a key in the ranges of the plan', () => {
  fc.assert(
    fc.property(definition, documents, query, (definition, documents, query) => {
      const { multikey, inRanges } = indexed(definition, documents)
      const matching = documents.filter(compileFilter(query.where))
      for (const known of multikey.size === 0 ? [false, true, multikey] : [true, multikey]) {
        const plan = planIndex(definition, known, query)
        if (!plan) continue
        const found = new Set(inRanges(plan.ranges).map(({ document }) => document))
        for (const document of matching) expect(found.has(document)).toBe(true)
        plan.ranges.forEach(({ from }, i) => {
          const before = plan.ranges[i - 1]
          if (before) expect(before.to! < from).toBe(true)
        })
      }
    }),
    { numRuns: 4_000 },
  )
})

test('[KEY-6] walked in the direction of the plan, keys come in the order asked for, each document once', () => {
  let walked = 0
  fc.assert(
    fc.property(definition, documents, query, (definition, documents, query) => {
      const { multikey, inRanges } = indexed(definition, documents)
      const plan = planIndex(definition, multikey, query)
      if (plan?.order === undefined) return
      walked++
      const rows = inRanges(plan.ranges)
      if (plan.order === 'desc') rows.reverse()
      expect(new Set(rows.map(({ document }) => document)).size).toBe(rows.length)
      const order = compileOrder(query)
      const groups: Document[][] = []
      rows.forEach(({ key, document }, i) => {
        if (i > 0 && key === rows[i - 1]!.key) groups[groups.length - 1]!.push(document)
        else groups.push([document])
      })
      const inOrder = groups.flatMap(group => firstInOrder(group, order, Infinity))
      expect(inOrder.filter(compileFilter(query.where))).toEqual(evaluate(query, documents))
    }),
    { numRuns: 4_000 },
  )
  expect(walked).toBeGreaterThan(50)
})

function shape(plan: IndexPlan | undefined) {
  return plan && [plan.equalities, plan.hasBound, plan.order, plan.ranges.length]
}

test('[KEY-5] equalities from the first path on, then one range', () => {
  const where: Filter = [
    'and',
    [
      ['field', 'user', ['eq', 'u']],
      ['field', 'status', ['in', ['a', 'b', 'a']]],
      ['field', 'time', ['gt', 5]],
      ['field', 'title', ['eq', 't']],
    ],
  ]
  const plan = (...keys: IndexDefinition['keys'][number][]) =>
    shape(planIndex(index(...keys), false, asked(where)))
  expect(plan(['user', 1], ['status', -1], ['time', 1], ['title', 1])).toEqual([2, true, undefined, 2])
  expect(plan(['user', 1], ['title', 1])).toEqual([2, false, undefined, 1])
  expect(plan(['user', 1], ['other', 1], ['time', 1])).toEqual([1, false, undefined, 1])
  expect(plan(['other', 1], ['user', 1])).toBeUndefined()
  expect(plan(['time', -1], ['user', 1])).toEqual([0, true, undefined, 1])
})

test('[KEY-5] of a path with arrays one bound is used; without, both', () => {
  const where: Filter = [
    'and',
    [
      ['field', 'n', ['gt', 1]],
      ['field', 'n', ['lt', 5]],
    ],
  ]
  const { inRanges } = indexed(
    index(['n', 1]),
    [[0, 10], 3, 9].map((n, i) => normalise({ _id: i, n }) as Document),
  )
  const found = (multikey: boolean) => {
    const rows = inRanges(planIndex(index(['n', 1]), multikey, asked(where))!.ranges)
    return rows.map(({ document }) => document._id)
  }
  expect([found(false), found(true)]).toEqual([[1], [1, 2, 0]])
})

test('[KEY-5] lists are combined up to 1,000 ranges; a longer one is the range from its least to its greatest', () => {
  const list = (length: number): Test => ['in', Array.from({ length }, (_, i) => i * 2)]
  const plan = (a: Test, b: Test) =>
    shape(
      planIndex(
        index(['a', 1], ['b', 1]),
        true,
        asked([
          'and',
          [
            ['field', 'a', a],
            ['field', 'b', b],
          ],
        ]),
      ),
    )
  expect(plan(list(20), list(50))).toEqual([2, false, undefined, 1_000])
  expect(plan(list(21), list(50))).toEqual([1, true, undefined, 21])
  expect(plan(list(1_001), list(1))).toEqual([0, true, undefined, 1])
  expect(plan(['in', []], list(1))).toEqual([2, false, undefined, 0])
})

test('[KEY-6] an index gives an order when its other paths are the order, all one way round', () => {
  const definition = index(['user', 1], ['time', -1])
  const ofUser: Filter = ['field', 'user', ['eq', 'u']]
  const order = (where: Filter, orderBy: Query['orderBy'], multikey: boolean | ReadonlySet<string> = false) =>
    planIndex(definition, multikey, asked(where, { orderBy }))?.order
  expect(order(ofUser, [['time', 'desc']])).toBe('asc')
  expect(order(ofUser, [['time', 'asc']])).toBe('desc')
  expect(
    order(ofUser, [
      ['user', 'asc'],
      ['time', 'asc'],
      ['title', 'asc'],
    ]),
  ).toBe('desc')
  expect(
    order(
      ['and', []],
      [
        ['user', 'asc'],
        ['time', 'desc'],
      ],
    ),
  ).toBe('asc')
  expect(
    order(
      ['and', []],
      [
        ['user', 'asc'],
        ['time', 'asc'],
      ],
    ),
  ).toBeUndefined()
  expect(order(['and', []], [['user', 'asc']])).toBeUndefined()
  expect(order(['and', []], [['time', 'desc']])).toBeUndefined()
  expect(order(ofUser, [['time', 'desc']], true)).toBeUndefined()
  expect(order(ofUser, [['time', 'desc']], new Set(['user']))).toBe('asc')
  expect(order(ofUser, [['time', 'desc']], new Set(['time']))).toBeUndefined()
  const byBoth = [
    ['user', 'asc'],
    ['time', 'desc'],
  ] as const
  expect(order(ofUser, byBoth)).toBe('asc')
  expect(order(ofUser, byBoth, new Set(['user']))).toBeUndefined()
  expect(planIndex(index(['user', 1], ['_id', 1]), false, asked(ofUser))?.order).toBe('asc')
})

test('[KEY-6] behind the last path of an order there may be others, but none that is multikey', () => {
  const definition = index(['_id', 1], ['tags', 1])
  const order = (multikey: ReadonlySet<string>) => planIndex(definition, multikey, asked(['and', []]))?.order
  expect([order(new Set()), order(new Set(['tags']))]).toEqual(['asc', undefined])
})

test('[KEY-6] a unique index gives an order only where everything is in it', () => {
  const unique = { ...index(['n', 1]), unique: true }
  const orderBy = [['n', 'asc']] as const
  expect(planIndex(unique, false, asked(['and', []], { orderBy }))).toBeUndefined()
  expect(planIndex(unique, false, asked(['field', 'n', ['gt', 1]], { orderBy }))?.order).toBe('asc')
})

test('[KEY-9] of several the index with most equalities is chosen, then one with a range, then by order', () => {
  const where: Filter = [
    'and',
    [
      ['field', 'a', ['eq', 1]],
      ['field', 'b', ['eq', 1]],
      ['field', 'c', ['gt', 1]],
    ],
  ]
  const query = asked(where, { orderBy: [['d', 'asc']], limit: 5 })
  const name = (query: Query, ...definitions: IndexDefinition[]) =>
    chooseIndex(
      definitions.map(definition => ({ definition, multikey: false })),
      query,
    )?.index.definition.name
  const [a, ab, ac, ad, d] = [
    index(['a', 1]),
    index(['a', 1], ['b', 1]),
    index(['a', 1], ['c', 1]),
    index(['a', 1], ['d', 1]),
    index(['d', 1]),
  ]
  expect(name(query, d, a, ab, ac, ad)).toBe('a_1_b_1')
  expect(name(query, d, a, ac, ad)).toBe('a_1_c_1')
  expect(name(query, d, a, ad)).toBe('a_1_d_1')
  expect(name(query, d)).toBe('d_1')
  const { limit: _, ...all } = query
  expect(name(all, d)).toBeUndefined()
  expect(name(query, index(['e', 1]))).toBeUndefined()
})
