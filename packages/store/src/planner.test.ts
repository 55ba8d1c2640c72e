import type { Document, Value } from '@nearcloud/protocol'
import { evaluate, type Filter, type IndexDefinition, type Query } from '@nearcloud/query'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Collection } from './collection.ts'
import { declare } from './declared-index.ts'
import { explain } from './explain.ts'
import { find } from './find.ts'
import { SortedList } from './sorted-list.ts'

const asked = (where: Filter, more: Partial<Query> = {}): Query => ({
  collection: 'things',
  where,
  orderBy: [],
  skip: 0,
  ...more,
})

const all = (...list: Filter[]): Filter => ['and', list]
const equal = (path: string, value: Value): Filter => ['field', path, ['eq', value]]
const ascending = (path: string): Partial<Query> => ({ orderBy: [[path, 'asc']], limit: 5 })

function collectionOf(count: number, data: (i: number) => object): Collection {
  const collection = new Collection()
  for (let i = 0; i < count; i++) collection.show(i, Object.freeze({ _id: i, ...data(i) }) as Document)
  return collection
}

function declareAll(collection: Collection, ...names: readonly string[]): void {
  for (const name of names) {
    const keys: IndexDefinition['keys'] = name.split('_').map(path => [path, 1])
    declare(collection, { name, keys, unique: false }, SortedList)
  }
}

test('[QUERY-8] two indexes that leave little together are both used, and nothing else is looked at', () => {
  const collection = collectionOf(3_000, i => ({
    a: i % 30,
    b: Math.floor(i / 30) % 20,
    tags: [i % 7, i % 5],
  }))
  declareAll(collection, 'a', 'b', 'tags')
  const query = asked(all(equal('a', 3), equal('b', 4)))
  const { plan, index, examined, returned, considered } = explain(find(collection, query))
  expect([plan, index, examined, returned]).toEqual(['index', 'a & b', 5, 5])
  expect(considered).toEqual([
    { plan: 'index', index: 'a & b', ordered: false, estimated: 68 },
    { plan: 'index', index: 'a', ordered: false, estimated: 100 },
    { plan: 'index', index: 'b', ordered: false, estimated: 150 },
    { plan: 'scan', ordered: false, estimated: 3_000 },
  ])
  const three = asked(all(equal('a', 3), equal('b', 4), ['field', 'tags', ['in', [3, 4]]]))
  expect(find(collection, three).documents).toEqual(evaluate(three, collection.documents()))
})

test('[QUERY-8] an index that leaves nearly everything is left out', () => {
  const collection = collectionOf(3_000, i => ({ a: i % 30, most: i % 10 === 0 ? 1 : 0 }))
  declareAll(collection, 'a', 'most')
  expect(explain(find(collection, asked(all(equal('a', 3), equal('most', 0)))))).toMatchObject({ index: 'a' })
})

test('[QUERY-9] of two indexes the one with fewer documents for these values is used, as it is now', () => {
  const collection = collectionOf(2_000, i => ({ a: i < 1_900 ? 0 : i, b: i % 10 }))
  declareAll(collection, 'a', 'b')
  const choices = (a: number) => explain(find(collection, asked(all(equal('a', a), equal('b', 5))))).index
  expect([choices(0), choices(1_905)]).toEqual(['b', 'a'])
  for (let i = 0; i < 1_900; i++) collection.show(i, { _id: i, a: i, b: 5 })
  expect(choices(0)).toBe('a')
})

test('[QUERY-9] a walk in order is given up where matches are rarer than it looked', () => {
  // what is equal to 1 stands at the very end of the order
  const collection = collectionOf(4_000, i => ({ a: i >= 3_600 ? 1 : 0, n: i }))
  declareAll(collection, 'a', 'n')
  const query = asked(equal('a', 1), ascending('n'))
  const { considered, ...explanation } = explain(find(collection, query))
  expect(considered![0]).toMatchObject({ index: 'n', ordered: true, estimated: 50 })
  expect(explanation).toMatchObject({
    index: 'a',
    ordered: false,
    estimated: 400,
    examined: 800,
    returned: 5,
  })
  expect(find(collection, query).documents).toEqual(evaluate(query, collection.documents()))
})

const field = fc.constantFrom('a', 'b', 'c')
const clause = fc.oneof(
  fc.tuple(field, fc.nat(4)).map(([path, value]) => equal(path, value)),
  fc
    .tuple(field, fc.constantFrom('gt', 'lte'), fc.nat(4))
    .map(([path, operator, value]): Filter => ['field', path, [operator as 'gt', value]]),
)
const key: fc.Arbitrary<Value> = fc.oneof(
  { weight: 5, arbitrary: fc.nat(4) },
  fc.array(fc.nat(4), { maxLength: 2 }),
)
const data = fc.oneof(
  { weight: 3, arbitrary: fc.record({ a: fc.nat(4), b: fc.nat(2), c: fc.nat(9) }) },
  fc.record({ a: key, b: key, c: key }, { requiredKeys: [] }),
)
/** Anything, or what has to do with each other: the ones of `a` are at the end of `c`. */
const documents = fc.oneof(
  fc.array(data, { minLength: 1, maxLength: 60, size: 'max' }),
  fc
    .tuple(fc.integer({ min: 20, max: 60 }), fc.integer({ min: 1, max: 12 }))
    .map(([count, ones]) =>
      Array.from({ length: count }, (_, i) => ({ a: i >= count - ones ? 1 : 0, b: i % 3, c: i })),
    ),
)

test('[QUERY-9] no plan looks at more than twice what the best index alone reaches, and all answer alike', () => {
  const seen = { together: 0, givenUp: 0, walked: 0 }
  fc.assert(
    fc.property(
      documents,
      fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'a_b', 'b_c', 'c_a'), { maxLength: 4 }),
      fc.array(clause, { maxLength: 3 }),
      fc.option(field),
      fc.option(fc.integer({ min: 1, max: 8 })),
      (documents, indexes, clauses, order, limit) => {
        const collection = collectionOf(documents.length, i => documents[i]!)
        const query = asked(all(...clauses), {
          ...(order && { orderBy: [[order, 'asc']] }),
          ...(limit && { limit }),
        })
        const alone = indexes.map(name => {
          declareAll(collection, name)
          const [made] = collection.declared.values()
          const [offer] = made!.offersFor(query)
          collection.declared.delete(name)
          return offer ? made!.count(offer.spans) : Infinity
        })
        declareAll(collection, ...indexes)
        const { examined, ordered, index, considered } = explain(find(collection, query))
        expect(find(collection, query).documents).toEqual(evaluate(query, collection.documents()))
        expect(examined).toBeLessThanOrEqual(2 * Math.min(documents.length, ...alone))
        if (index?.includes('&')) seen.together++
        if (ordered) seen.walked++
        else if (considered![0]!.ordered) seen.givenUp++
      },
    ),
    { numRuns: 1_500, seed: 5 },
  )
  expect(Math.min(seen.together, seen.givenUp, seen.walked)).toBeGreaterThan(5)
})
