import type { Document, Value } from '@nearcloud/protocol'
import { evaluate, type Filter, type IndexDefinition, type Query } from '@nearcloud/query'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Collection, type Slot } from './collection.ts'
import { declare } from './declared-index.ts'
import { countMatching, find } from './find.ts'
import { Kept } from './kept.ts'
import { OrderedIndex } from './ordered-index.ts'
import { SortedList } from './sorted-list.ts'

const value: fc.Arbitrary<Value> = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: -3, max: 12 }) },
  fc.constantFrom<Value>(null, true, false, 'a', 'b', '', Number.NaN, 0.5, new Date(5)),
  fc.array(fc.integer({ min: -3, max: 12 }), { maxLength: 3 }),
  fc.record({ x: fc.integer({ min: 0, max: 3 }) }),
)

/** Mostly numbers, so that indexes may give the order; a few of everything else. */
const fields = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ n: fc.integer({ min: -3, max: 12 }), s: fc.constantFrom('a', 'b', 'c') }),
  },
  fc.record({ n: value, s: value, deep: fc.record({ x: value }) }, { requiredKeys: [] }),
)

const path = fc.constantFrom('n', 's', 'deep.x', 'n.x', '_id')

const condition: fc.Arbitrary<Filter> = fc.oneof(
  fc
    .tuple(path, fc.constantFrom('eq', 'neq', 'gt', 'gte', 'lt', 'lte'), value)
    .map(([at, operator, argument]): Filter => ['field', at, [operator as 'eq', argument]]),
  fc.tuple(path, fc.array(value, { maxLength: 3 })).map(([at, list]): Filter => ['field', at, ['in', list]]),
  path.map((at): Filter => ['field', at, ['exists', true]]),
)

const filter: fc.Arbitrary<Filter> = fc.oneof(
  fc.array(condition, { maxLength: 3 }).map((list): Filter => ['and', list]),
  fc.array(condition, { minLength: 1, maxLength: 2 }).map((list): Filter => ['or', list]),
)

const query: fc.Arbitrary<Query> = fc
  .record({
    collection: fc.constant('things'),
    where: filter,
    orderBy: fc.array(fc.tuple(path, fc.constantFrom('asc' as const, 'desc' as const)), { maxLength: 2 }),
    skip: fc.integer({ min: 0, max: 3 }),
  })
  .chain(base =>
    fc
      .option(fc.integer({ min: 1, max: 8 }), { nil: undefined })
      .map((limit): Query => (limit === undefined ? base : { ...base, limit })),
  )

const definitions: fc.Arbitrary<readonly IndexDefinition[]> = fc
  .array(
    fc.uniqueArray(fc.tuple(path, fc.constantFrom(1 as const, -1 as const)), {
      minLength: 1,
      maxLength: 3,
      selector: ([at]) => at,
    }),
    { maxLength: 3 },
  )
  .map(list => list.map((keys, i) => ({ name: `index${i}`, keys, unique: false })))

function documentOf(id: number, data: object): Document {
  return Object.freeze({ _id: id % 3 === 0 ? `id${id}` : id, ...data }) as Document
}

test('[QUERY-1] whichever indexes there are, the answer is what evaluating every document gives', () => {
  fc.assert(
    fc.property(
      fc.array(fields, { minLength: 1, maxLength: 25 }),
      fc.array(fc.tuple(fc.nat(24), fc.option(fields)), { maxLength: 10 }),
      fc.array(fc.tuple(path, fc.option(path, { nil: undefined })), { maxLength: 4 }),
      definitions,
      fc.array(query, { minLength: 1, maxLength: 6 }),
      (initial, later, paths, definitions, queries) => {
        const collection = new Collection({ smallestIndexed: 0, wishes: 1 })
        const documents = new Map<number, Document>()
        const show = (at: number, data: object | null) => {
          const document = documentOf(at, data ?? {})
          collection.show(document._id, data ? document : null)
          if (data) documents.set(at, document)
          else documents.delete(at)
        }
        initial.forEach((data, at) => {
          show(at, data)
        })
        for (const [each, within] of paths)
          if (each !== within) collection.index(each, within) ?? collection.makeIndex(each, within)
        for (const each of definitions) declare(collection, each, SortedList)
        for (const [at, data] of later) show(at, data)
        for (const asked of queries) {
          expect(find(collection, asked).documents).toEqual(evaluate(asked, documents.values()))
          const { limit: _, ...unlimited } = asked
          const all = evaluate({ ...unlimited, skip: 0 }, documents.values())
          expect(countMatching(collection, asked)).toBe(all.length)
        }
      },
    ),
    { numRuns: 800 },
  )
})

test('an index holds what a sorted list holds, after any changes', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(30), fc.integer({ min: 0, max: 9 })), { maxLength: 60 }),
      fc.integer({ min: 0, max: 9 }),
      (changes, bound) => {
        const slots = new Map<number, Slot>()
        const index = new OrderedIndex('n', [], 4)
        for (const [id, n] of changes) {
          const before = slots.get(id)
          if (before) index.remove(before)
          if (before && n === 0) slots.delete(id)
          else {
            const slot = new Kept(1, undefined, Object.freeze({ _id: id, n })) as Slot
            slots.set(id, slot)
            index.add(slot)
          }
        }
        const expected = [...slots].map(
          ([id, { document }]) => [document.n as number, id] as [number, number],
        )
        expected.sort((a, b) => a[0] - b[0] || a[1] - b[1])
        const entriesIn = (constraint: object | undefined, descending: boolean) =>
          [...index.entries(index.spansOf(constraint), descending)].map(({ key, id }) => [key, id])
        expect(entriesIn(undefined, false)).toEqual(expected)
        expect(entriesIn(undefined, true)).toEqual([...expected].reverse())
        for (const inclusive of [true, false]) {
          const above = expected.filter(([n]) => n > bound || (inclusive && n === bound))
          const below = expected.filter(([n]) => n < bound || (inclusive && n === bound))
          expect(entriesIn({ lower: { value: bound, inclusive } }, false)).toEqual(above)
          expect(entriesIn({ upper: { value: bound, inclusive } }, true)).toEqual(below.reverse())
          expect(index.count(index.spansOf({ lower: { value: bound, inclusive } }))).toBe(above.length)
        }
      },
    ),
    { numRuns: 400 },
  )
})

function collectionOf(count: number): Collection {
  const collection = new Collection()
  for (let i = 0; i < count; i++)
    collection.show(i, Object.freeze({ _id: i, status: `s${i % 5}`, age: (i * 7) % 100, level: i % 100 }))
  return collection
}

const asked = (where: Filter, more: Partial<Query> = {}): Query => ({
  collection: 'things',
  where,
  orderBy: [],
  skip: 0,
  ...more,
})

test('[QUERY-2] a collection gets the indexes its queries want from 1,000 documents on, when they are wanted again', () => {
  const where: Filter = ['field', 'age', ['eq', 7]]
  const [small, large] = [collectionOf(999), collectionOf(5_000)]
  expect(find(small, asked(where)).plan.plan).toBe('scan')
  expect(find(large, asked(where)).plan.plan).toBe('scan')
  const { plan, candidates, documents } = find(large, asked(where))
  expect([plan.plan, candidates, documents.length]).toEqual(['index', 50, 50])
})

test('[QUERY-2] an id is looked up, and a limited order is walked until it has enough', () => {
  const collection = collectionOf(5_000)
  expect(find(collection, asked(['field', '_id', ['in', [3, 4_000, 'none', true]]]))).toMatchObject({
    plan: { plan: 'id' },
    candidates: 2,
  })
  const where: Filter = [
    'and',
    [
      ['field', 'status', ['eq', 's1']],
      ['field', 'age', ['gt', 20]],
    ],
  ]
  find(collection, asked(where, { orderBy: [['age', 'asc']], limit: 20 }))
  const found = find(collection, asked(where, { orderBy: [['age', 'asc']], limit: 20 }))
  expect(found).toMatchObject({ plan: { plan: 'index', index: { name: 'status, age' }, walk: 'asc' } })
  expect(found.documents.length).toBe(20)
  expect(found.candidates).toBe(20)
})

test('[QUERY-2] among documents that are equal in the order, an ascending walk ends where it has enough', () => {
  const collection = new Collection({ wishes: 1 })
  for (let n = 0; n < 2_000; n++)
    collection.show(`d${String(n).padStart(4, '0')}`, { _id: `d${String(n).padStart(4, '0')}`, n: n % 2 })
  const query: Query = { collection: 'c', where: ['and', []], orderBy: [['n', 'asc']], skip: 1, limit: 5 }
  const found = find(collection, query)
  expect(found.documents).toEqual(evaluate(query, [...collection.documents()]))
  expect(found.candidates).toBe(6)
})

test('[QUERY-2] a collection has at most eight indexes', () => {
  const collection = new Collection({ wishes: 1 })
  for (let i = 0; i < 2_000; i++) {
    const document: Record<string, Value> = { _id: i }
    for (let field = 0; field < 20; field++) document[`f${field}`] = i
    collection.show(i, Object.freeze(document) as Document)
  }
  const plans = Array.from({ length: 20 }, (_, field) =>
    find(collection, asked(['field', `f${field}`, ['eq', 5]])),
  ).map(({ plan }) => plan.plan)
  expect(plans.filter(plan => plan === 'index').length).toBe(8)
})
