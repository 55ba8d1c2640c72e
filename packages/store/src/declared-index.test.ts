import { type Document, type Geo, geoFromJson } from '@nearcloud/protocol'
import { evaluate, type Filter, type Query } from '@nearcloud/query'
import { indexFrom } from '@nearcloud/query/indexes'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Collection } from './collection.ts'
import { declare } from './declared-index.ts'
import { explain } from './explain.ts'
import { find } from './find.ts'
import { SortedList } from './sorted-list.ts'
import { openTestStore, words } from './testing/index.ts'

const point = (longitude: number, latitude: number): Geo =>
  geoFromJson({ type: 'Point', coordinates: [longitude, latitude] })!

const asked = (where: Filter, more: Partial<Query> = {}): Query => ({
  collection: 'todos',
  where,
  orderBy: [],
  skip: 0,
  ...more,
})

/** 500 documents: too few for indexes by themselves. */
function filled(count = 500): Collection {
  const collection = new Collection()
  for (let i = 0; i < count; i++)
    collection.show(
      i,
      Object.freeze({
        _id: i,
        user: `u${i % 10}`,
        time: (i * 7) % count,
        tags: Object.freeze([`t${i % 4}`, `t${i % 5}`]),
        at: point(100 + (i % 25), 20 + Math.floor(i / 25)),
      }) as Document,
    )
  return collection
}

test('[QUERY-5] a query with an equality and an order walks a compound index until it has enough', () => {
  const collection = filled()
  declare(collection, indexFrom({ keys: { user: 1, time: -1 } }), SortedList)
  const query = asked(['field', 'user', ['eq', 'u3']], { orderBy: [['time', 'desc']], limit: 5 })
  expect(explain(find(collection, query))).toMatchObject({
    plan: 'index',
    index: 'user_1_time_-1',
    ordered: true,
    examined: 5,
    returned: 5,
    answeredBy: 'local',
  })
  expect(find(collection, query).documents).toEqual(evaluate(query, collection.documents()))
  const later = asked(['and', [query.where, ['field', 'time', ['gte', 450]]]])
  expect(explain(find(collection, later))).toMatchObject({
    index: 'user_1_time_-1',
    ordered: false,
    examined: 5,
  })
})

test('[QUERY-5] elements of an array are found, and what is ordered behind one of them', () => {
  const collection = filled()
  declare(collection, indexFrom({ keys: { tags: 1, time: 1 } }), SortedList)
  const query = asked(['field', 'tags', ['eq', 't3']], { orderBy: [['time', 'asc']], limit: 10 })
  expect(explain(find(collection, query))).toMatchObject({ plan: 'index', ordered: true, examined: 10 })
  expect(find(collection, query).documents).toEqual(evaluate(query, collection.documents()))
})

test('[QUERY-5] the index that looks at the fewest documents is used, whoever made it', () => {
  const collection = filled(2_000)
  declare(collection, indexFrom({ keys: { user: 1 } }), SortedList)
  const both: Filter = [
    'and',
    [
      ['field', 'user', ['eq', 'u3']],
      ['field', 'time', ['lt', 30]],
    ],
  ]
  expect(explain(find(collection, asked(both)))).toMatchObject({ index: 'user_1', examined: 200 })
  find(collection, asked(['field', 'time', ['lt', 600]]))
  expect(explain(find(collection, asked(['field', 'time', ['lt', 600]])))).toMatchObject({ index: 'time' })
  expect(explain(find(collection, asked(both)))).toMatchObject({ index: 'time', examined: 30 })
  declare(collection, indexFrom({ keys: { user: 1, time: 1 } }), SortedList)
  expect(explain(find(collection, asked(both)))).toMatchObject({ index: 'user_1_time_1', examined: 3 })
  collection.declared.delete('user_1_time_1')
  expect(explain(find(collection, asked(both)))).toMatchObject({ index: 'time' })
})

test('[QUERY-1] places are found with an index and without, after any changes', () => {
  const place = fc.tuple(fc.integer({ min: -180, max: 180 }), fc.integer({ min: -90, max: 90 }))
  const at = fc.oneof(
    place.map(each => point(...each)),
    fc.array(
      place.map(each => point(...each)),
      { maxLength: 3 },
    ),
    fc.constantFrom(null, 5),
  )
  const near = fc
    .tuple(place, fc.constantFrom(1e5, 2e6, 1e7))
    .map(
      ([center, maxDistance]): Filter => [
        'field',
        'at',
        ['geoNear', { geometry: point(...center), maxDistance }],
      ],
    )
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(15), at), { maxLength: 30 }),
      near,
      fc.nat(30),
      (changes, where, when) => {
        const collection = new Collection()
        changes.forEach(([id, at], step) => {
          if (step === when) declare(collection, indexFrom({ keys: { at: '2dsphere' } }), SortedList)
          collection.show(id, at === 5 ? null : (Object.freeze({ _id: id, at }) as Document))
        })
        const query = asked(where, { limit: 4 })
        expect(find(collection, query).documents).toEqual(evaluate(query, collection.documents()))
      },
    ),
    { numRuns: 500 },
  )
})

test('[QUERY-5] what is near is found without looking at what is far', () => {
  const collection = filled()
  declare(collection, indexFrom({ keys: { at: '2dsphere' } }), SortedList)
  const query = asked(['field', 'at', ['geoNear', { geometry: point(110, 30), maxDistance: 150_000 }]])
  const { plan, examined, returned } = explain(find(collection, query))
  expect([plan, returned]).toEqual(['index', 9])
  expect(examined).toBeLessThan(40)
})

test('[QUERY-5] of many places the nearest few are found without looking at all, however far they are', () => {
  const collection = new Collection()
  for (let i = 0; i < 3_000; i++) {
    const at = point(((i * 37) % 3_600) / 10 - 180, ((i * 91) % 1_700) / 10 - 85)
    collection.show(i, Object.freeze({ _id: i, kind: i % 3, at }) as Document)
  }
  declare(collection, indexFrom({ keys: { at: '2dsphere' } }), SortedList)
  for (const [more, most] of [
    [{}, 600],
    [{ maxDistance: 2_000_000 }, 600],
    [{ minDistance: 3_000_000 }, 3_000],
    [{ maxDistance: 1_000 }, 3_000],
  ] as const)
    for (const center of [point(179.9, 10), point(0, 90), point(103, -37)]) {
      const near: Filter = ['field', 'at', ['geoNear', { geometry: center, ...more }]]
      const query = asked(['and', [near, ['field', 'kind', ['eq', 1]]]], { limit: 5, skip: 2 })
      expect(find(collection, query).documents).toEqual(evaluate(query, collection.documents()))
      expect(explain(find(collection, query)).examined).toBeLessThanOrEqual(most)
    }
})

test('[QUERY-5] a document with too many keys for an index is looked at by every query of it', () => {
  const collection = filled()
  declare(collection, indexFrom({ keys: { tags: 1, time: 1 } }), SortedList)
  const tags = Object.freeze(Array.from({ length: 2_000 }, (_, i) => `t${i}`))
  collection.show('big', Object.freeze({ _id: 'big', tags, time: 9_999 }) as Document)
  const query = asked(['field', 'tags', ['eq', 't1']], {
    orderBy: [['time', 'asc']],
    limit: 3,
  })
  const ofIt = asked(['field', 'tags', ['eq', 't7']])
  expect(find(collection, query).documents).toEqual(evaluate(query, collection.documents()))
  expect(explain(find(collection, ofIt))).toMatchObject({ plan: 'index', examined: 1, returned: 1 })
  collection.show('big', Object.freeze({ _id: 'big', tags: ['t1'], time: 1 }) as Document)
  expect(explain(find(collection, ofIt))).toMatchObject({ examined: 0 })
})

test('[QUERY-5] an order is given again when the last array on its path is gone', () => {
  const collection = filled()
  declare(collection, indexFrom({ keys: { user: 1, time: 1 } }), SortedList)
  const query = asked(['field', 'user', ['eq', 'u3']], { orderBy: [['time', 'asc']], limit: 3 })
  const long = 'x'.repeat(2_000)
  const show = (id: number, user: string, time: unknown) => {
    collection.show(id, Object.freeze({ _id: id, user, time }) as Document)
    expect(find(collection, query).documents).toEqual(evaluate(query, collection.documents()))
    return explain(find(collection, query)).ordered
  }
  expect(show(3, 'u3', 5)).toBe(true)
  expect(show(3, 'u3', [9, 0, 8])).toBe(false)
  // a key that is cut before its array is the same as one without it
  expect(show(4, long, 5)).toBe(false)
  expect(show(4, long, [1, 2])).toBe(false)
  expect(show(4, 'u3', 6)).toBe(false)
  expect(show(3, 'u3', 5)).toBe(true)
})

test('[QUERY-6] an index of the store is the same when it is made twice, and another name for another', async () => {
  const { store } = await openTestStore()
  await store.confirm({ puts: [words('todos').put(1, { _id: 'a', n: 1 })] })
  const [one, other] = [indexFrom({ keys: { n: 1 }, name: 'x' }), indexFrom({ keys: { n: -1 }, name: 'x' })]
  await store.createIndex('todos', one)
  await store.createIndex('todos', one)
  expect(store.indexes('todos')).toEqual([one])
  await expect(store.createIndex('todos', other)).rejects.toMatchObject({ code: 'INVALID_PARAM' })
  store.dropIndex('todos', 'x')
  store.dropIndex('todos', 'x')
  await store.createIndex('todos', other)
  expect([store.indexes('todos'), store.indexes('elsewhere')]).toEqual([[other], []])
  await store.close()
})

test('[QUERY-6] what the server has to keep is refused here, and so are too many', async () => {
  const { store } = await openTestStore()
  const refusal = async (wish: object) => {
    try {
      await store.createIndex('todos', indexFrom(wish))
      return undefined
    } catch (error) {
      return error
    }
  }
  for (const wish of [
    { keys: { n: 1 }, unique: true },
    { keys: { n: 1 }, expireAfterSeconds: 60 },
  ])
    expect(await refusal(wish)).toMatchObject({
      code: 'INVALID_PARAM',
      errMsg: expect.stringContaining("is the server's to keep"),
    })
  for (let i = 0; i < 64; i++) expect(await refusal({ keys: { [`f${i}`]: 1 } })).toBeUndefined()
  expect(await refusal({ keys: { n: 1 } })).toMatchObject({ errMsg: expect.stringContaining('at most 64') })
  await expect(store.createIndex('todos', { name: 'x', keys: [], unique: false })).rejects.toThrow(
    '1 to 16 paths',
  )
  await store.close()
  expect(await refusal({ keys: { n: 1 } })).toMatchObject({ code: 'CLOSED' })
})

test('[QUERY-7] explain answers the query and says how', async () => {
  const { store } = await openTestStore()
  const puts = Array.from({ length: 10 }, (_, i) => words('todos').put(1, { _id: `d${i}`, n: i }))
  await store.confirm({ puts })
  const scan = { plan: 'scan', ordered: false, estimated: 10 }
  expect(await store.explain(asked(['field', 'n', ['lt', 3]]))).toEqual({
    ...{ ...scan, examined: 10, returned: 3, answeredBy: 'local' },
    considered: [scan],
  })
  const byId = { plan: 'id', ordered: false, estimated: 2 }
  expect(await store.explain(asked(['field', '_id', ['in', ['d1', 'none']]]))).toEqual({
    ...{ ...byId, examined: 1, returned: 1, answeredBy: 'local' },
    considered: [byId],
  })
  await store.createIndex('todos', indexFrom({ keys: { n: 1 } }))
  expect(await store.explain(asked(['field', 'n', ['lt', 3]]))).toMatchObject({ index: 'n_1', examined: 3 })
  await store.close()
})
