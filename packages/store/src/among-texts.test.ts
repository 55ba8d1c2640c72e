import { type Document, type Json, toJson, type Value } from '@nearcloud/protocol'
import type { Filter, Query } from '@nearcloud/query'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Collection } from './collection.ts'
import { find, findAmong } from './find.ts'
import { Kept } from './kept.ts'
import { readDocumentText } from './packed.ts'

const name = fc.constantFrom('age', 'title', '"age', 'x\\"age', 'an "age":1', 'page')
const words = fc.constantFrom('', 'a', 'B', '"age":5', ',"age":5', '\\', '😀', 'é', '{"$date":5}', 'age')
const scalar: fc.Arbitrary<Value> = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom<Value>(0, 1, 2, -1, 1.5, 1e21, 5) },
  words,
  fc.constantFrom<Value>(null, true, new Date(5), new Date(-5), Number.NaN, -0),
)
const value: fc.Arbitrary<Value> = fc.oneof(
  { weight: 8, arbitrary: scalar },
  fc.array(scalar, { maxLength: 2 }),
  fc.dictionary(name, scalar, { maxKeys: 2 }),
)
const bound: fc.Arbitrary<Filter> = fc
  .tuple(fc.constantFrom('age', 'title'), fc.constantFrom('gt', 'gte', 'lt', 'lte', 'eq'), scalar)
  .map(([path, operator, than]) => ['field', path, [operator, than]] as Filter)
const asked = fc.record({
  where: fc.array(bound, { maxLength: 2 }).map(all => ['and', all] as Filter),
  orderBy: fc.array(
    fc.tuple(
      fc.constantFrom('age', 'title', 'age.x', '_id'),
      fc.constantFrom('asc' as const, 'desc' as const),
    ),
    { maxLength: 2 },
  ),
  limit: fc.integer({ min: 1, max: 4 }),
  skip: fc.integer({ min: 0, max: 2 }),
})

/** Documents that are texts still, as `take` gets them from a segment. */
function textsOf(documents: readonly Document[]): { collection: Collection; all: readonly Kept[] } {
  const collection = new Collection()
  const all = documents.map(document => new Kept(1, JSON.stringify(toJson(document))))
  for (const [n, { _id }] of documents.entries()) collection.take(_id, all[n]!)
  collection.packed(all)
  return { collection, all }
}

test('[LOG-11] what is told from texts is what reading every document tells', () => {
  let unread = 0
  fc.assert(
    fc.property(
      fc.array(fc.dictionary(name, value, { maxKeys: 4 }), { maxLength: 12 }),
      asked,
      fc.nat(),
      (fields, given, changed) => {
        const documents = fields.map((each, n) => ({ _id: `d${n}`, ...each }) as Document)
        const query: Query = { collection: 'todos', ...given }
        const { collection, all } = textsOf(documents)
        const read = documents.map(document => readDocumentText(JSON.stringify(toJson(document))))
        const expectSame = () => expect(find(collection, query).documents).toEqual(findAmong(read, query))
        expectSame()
        unread += all.filter(({ isPacked }) => isPacked).length
        expectSame()
        if (read.length === 0) return
        const at = changed % read.length
        read[at] = Object.freeze({ _id: `d${at}`, age: 1, title: 'a' })
        collection.show(`d${at}`, read[at]!)
        expectSame()
      },
    ),
    { numRuns: 1_000 },
  )
  expect(unread).toBeGreaterThan(300)
})

test('[LOG-11] the first of an order are found with hardly any document read, by number, text and date', async () => {
  const documents = Array.from({ length: 1_000 }, (_, n) => {
    const due = new Date(1_700_000_000_000 + ((n * 37) % 1_000))
    const document = {
      _id: `d${n}`,
      made: new Date(n),
      due,
      at: due.getTime(),
      title: `t${due.getTime()}`,
      in: { at: 1 },
    }
    return document as unknown as Document
  })
  for (const field of ['at', 'due', 'title', '_id'])
    for (const direction of ['asc', 'desc'] as const) {
      const { collection, all } = textsOf(documents)
      const orderBy = [[field, direction]] as const
      const query: Query = { collection: 'todos', where: ['and', []], orderBy, skip: 0, limit: 20 }
      // what is not wanted would be read when this resolves
      const never = new Promise<void>(() => undefined)
      const pause = async () => {
        if (collection.isReadFor(query)) await never
      }
      await collection.unpack(pause, query)
      expect(collection.isReadFor(query)).toBe(true)
      expect(collection.isReadFor({ ...query, limit: 21 })).toBe(false)
      expect(find(collection, query).documents).toEqual(findAmong(documents, query))
      expect(all.filter(({ isPacked }) => !isPacked)).toHaveLength(20)
    }
})

test('[LOG-11] a name that is part of another, or stands in an object, is not taken for the field', () => {
  const texts: readonly Json[] = [
    { _id: 'a', in: { age: 1 }, age: 9 },
    { _id: 'b', '"age': 1, age: 8 },
    { _id: 'c', title: ',"age":1', age: 7 },
    { _id: 'd', 'age":1,"x': 1 },
    { _id: 'e', list: [{ age: 1 }] },
  ]
  const peeked = texts.map(each => new Kept(1, JSON.stringify(each)).peek('"age":'))
  expect(peeked).toEqual([undefined, undefined, 7, undefined, undefined])
})
