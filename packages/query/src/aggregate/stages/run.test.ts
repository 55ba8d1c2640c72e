import { CloudError, type Document, GeoPoint } from '@nearcloud/protocol'
import { expect, test } from 'vitest'
import { evaluate } from '../../evaluate.ts'
import type { Expression, Query, Stage } from '../../types.ts'
import type { AggregationBudget } from './meter.ts'
import { aggregate } from './run.ts'

const everything = ['and', []] as const
const one: Expression = ['value', 1]

/** A source that remembers what it was asked, and how many pages were taken from it. */
function sourceOf(collections: { readonly [name: string]: readonly Document[] }, pageSize = 10_000) {
  const asked: Query[] = []
  let [pages, closed] = [0, 0]
  return {
    asked,
    get pages() {
      return pages
    },
    get closed() {
      return closed
    },
    async *find(query: Query) {
      asked.push(query)
      const found = evaluate(query, collections[query.collection] ?? [])
      try {
        for (let start = 0; start < found.length; start += pageSize) {
          pages++
          yield found.slice(start, start + pageSize)
        }
      } finally {
        closed++
      }
    },
  }
}

function numbered(count: number, make: (i: number) => object = () => ({})): readonly Document[] {
  return Array.from({ length: count }, (_each, i) => Object.freeze({ _id: i, ...make(i) }))
}

function run(
  stages: readonly Stage[],
  source: ReturnType<typeof sourceOf>,
  budget: Partial<AggregationBudget> = {},
  now = () => 0,
) {
  return aggregate({ collection: 'c', stages }, { source, now, random: () => 0, budget })
}

async function limitOf(promise: Promise<unknown>): Promise<unknown> {
  const error: unknown = await promise.catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(CloudError)
  expect((error as CloudError).code).toBe('DATABASE_REQUEST_FAILED')
  return (error as CloudError).details.limit
}

const a1 = ['field', 'a', ['eq', 1]] as const
const b2 = ['field', 'b', ['eq', 2]] as const

test('[STAGE-21] the matches a pipeline begins with, a sort, skips and limits are asked of the source', async () => {
  const source = sourceOf({ c: numbered(50, i => ({ a: 1, b: 2, n: -i })) })
  const results = await run(
    [
      ['match', a1],
      ['match', b2],
      ['sort', [['n', 'asc']]],
      ['skip', 2],
      ['limit', 10],
      ['skip', 1],
      ['limit', 3],
      ['project', [['n', true]]],
      ['limit', 2],
    ],
    source,
  )
  expect(source.asked).toEqual([
    { collection: 'c', where: ['and', [a1, b2]], orderBy: [['n', 'asc']], skip: 3, limit: 3 },
  ])
  expect(results).toEqual([
    { _id: 46, n: -46 },
    { _id: 45, n: -45 },
  ])
})

test('[STAGE-21] what stands behind anything else is not', async () => {
  const source = sourceOf({ c: numbered(3) })
  await run(
    [
      ['limit', 2],
      ['match', a1],
      ['sort', [['n', 'asc']]],
    ],
    source,
  )
  expect(source.asked).toEqual([{ collection: 'c', where: everything, orderBy: [], skip: 0, limit: 2 }])
})

test('[STAGE-21] when nothing is wanted nothing is asked', async () => {
  const source = sourceOf({ c: numbered(3) })
  expect(
    await run(
      [
        ['limit', 2],
        ['skip', 2],
        ['count', 'n'],
      ],
      source,
    ),
  ).toEqual([])
  expect(source.asked).toEqual([])
})

test('[STAGE-21] nearness is asked of the source when its field is known', async () => {
  const source = sourceOf({ c: numbered(3, i => ({ at: new GeoPoint(i, 0) })) })
  const near = new GeoPoint(0, 0)
  const stage = { near, distanceField: 'd', maxDistance: 200_000, query: a1, distanceMultiplier: 1, limit: 7 }
  await run([['geoNear', { ...stage, key: 'at' }]], source)
  await run([['geoNear', stage]], source)
  const nearness = ['field', 'at', ['geoNear', { geometry: near, maxDistance: 200_000 }]]
  expect(source.asked).toEqual([
    { collection: 'c', where: ['and', [a1, nearness]], orderBy: [], skip: 0, limit: 7 },
    { collection: 'c', where: a1, orderBy: [], skip: 0 },
  ])
})

test('[STAGE-21] a lookup asks once for a page, for each value once', async () => {
  const source = sourceOf({ c: numbered(2_000, i => ({ a: i % 3 })), d: numbered(3, i => ({ b: i })) })
  const results = await run([['lookup', { from: 'd', as: 'x', localField: 'a', foreignField: 'b' }]], source)
  expect(source.asked.slice(1)).toEqual(
    [
      [0, 1, 2],
      [1, 2, 0],
    ].map(values => ({
      collection: 'd',
      where: ['field', 'b', ['in', values]],
      orderBy: [],
      skip: 0,
    })),
  )
  expect(results[1_999]).toEqual({ _id: 1_999, a: 1, x: [{ _id: 1, b: 1 }] })
})

test('[STAGE-21] a pipeline of a lookup asks once, whether it names variables or not', async () => {
  const source = sourceOf({ c: numbered(50), d: numbered(40, i => ({ a: i % 2 })) })
  const sameId: Expression = [
    'call',
    'eq',
    [
      'list',
      [
        ['path', '_id'],
        ['variable', 'id', ''],
      ],
    ],
  ]
  const own: Stage = [
    'lookup',
    {
      from: 'd',
      as: 'own',
      let: [['id', ['path', '_id']]],
      pipeline: [['match', ['and', [a1, ['expr', sameId]]]]],
    },
  ]
  const all: Stage = [
    'lookup',
    {
      from: 'd',
      as: 'all',
      let: [],
      pipeline: [
        ['match', a1],
        ['count', 'n'],
      ],
    },
  ]
  const results = await run([own, all], source)
  expect(source.asked.map(({ collection, where }) => [collection, where])).toEqual([
    ['c', everything],
    ['d', a1],
    ['d', a1],
  ])
  expect(results.slice(0, 2)).toEqual([
    { _id: 0, own: [], all: [{ n: 20 }] },
    { _id: 1, own: [{ _id: 1, a: 1 }], all: [{ n: 20 }] },
  ])
})

test('[STAGE-22] a limit ends the reading', async () => {
  const source = sourceOf({ c: numbered(1_000) }, 10)
  await run(
    [
      ['unwind', { path: '_id', keepEmpty: false }],
      ['limit', 25],
    ],
    source,
  )
  expect([source.pages, source.closed]).toEqual([3, 1])
})

test('[STAGE-22] documents that are not changed are the source’s own, and all is frozen', async () => {
  const documents = numbered(3, i => ({ a: Object.freeze([i]) }))
  const results = await run(
    [
      ['match', everything],
      ['sample', 3],
      ['sort', [['_id', 'asc']]],
    ],
    sourceOf({ c: documents }),
  )
  for (const [i, result] of results.entries()) expect(result).toBe(documents[i])
  expect(Object.isFrozen(results)).toBe(true)
  const stages: Stage[] = [
    ['addFields', [['x.y', ['path', '_id']]]],
    ['unwind', { path: 'a', keepEmpty: true, index: 'x.i' }],
    ['lookup', { from: 'c', as: 'z', localField: '_id', foreignField: '_id' }],
  ]
  const made = await run(stages, sourceOf({ c: documents }))
  expect(made[1]).toEqual({ _id: 1, a: 1, x: { y: 1, i: 0 }, z: [{ _id: 1, a: [1] }] })
  for (const each of made) for (const part of [each, each.x, each.z]) expect(Object.isFrozen(part)).toBe(true)
})

test('[STAGE-22] a lookup without a match for two documents shares nothing they could change', async () => {
  const results = await run(
    [['lookup', { from: 'd', as: 'x', localField: 'a', foreignField: 'b' }]],
    sourceOf({ c: numbered(2) }),
  )
  expect(results).toEqual([
    { _id: 0, x: [] },
    { _id: 1, x: [] },
  ])
  expect(Object.isFrozen(results[0]!.x)).toBe(true)
})

test('[STAGE-23] too many stages, those of lookups included', async () => {
  const inner: Stage = [
    'lookup',
    {
      from: 'd',
      as: 'x',
      let: [],
      pipeline: [
        ['limit', 1],
        ['limit', 1],
      ],
    },
  ]
  const source = sourceOf({ c: numbered(1) })
  expect(await limitOf(run([inner, ['limit', 1]], source, { stages: 3 }))).toBe('stages')
  expect(source.asked).toEqual([])
  expect(await run([inner, ['limit', 1]], source, { stages: 4 })).toHaveLength(1)
})

test('[STAGE-23] too many documents read, those of lookups included', async () => {
  const join: Stage = ['lookup', { from: 'd', as: 'x', localField: 'a', foreignField: 'b' }]
  const collections = { c: numbered(10, () => ({ a: 1 })), d: numbered(10, () => ({ b: 1 })) }
  expect(await limitOf(run([['count', 'n']], sourceOf(collections), { documents: 9 }))).toBe('documents')
  expect(await limitOf(run([join], sourceOf(collections), { documents: 19 }))).toBe('documents')
  expect(await run([join], sourceOf(collections), { documents: 20 })).toHaveLength(10)
})

test('[STAGE-23] too many documents in one stage', async () => {
  const list = { c: [{ _id: 1, a: Array.from({ length: 30 }, (_each, i) => i) }] }
  const unwind: Stage = ['unwind', { path: 'a', keepEmpty: false }]
  const holding: readonly Stage[] = [
    ['sort', [['a', 'asc']]],
    ['group', { by: ['path', 'a'], fields: [] }],
    ['sample', 30],
    ['bucketAuto', { by: ['path', 'a'], buckets: 3, fields: [] }],
  ]
  for (const stage of holding) {
    expect(await limitOf(run([unwind, stage], sourceOf(list), { documents: 29 }))).toBe('documents')
    expect((await run([unwind, stage], sourceOf(list), { documents: 30 })).length).toBeGreaterThan(0)
  }
  expect(await limitOf(run([unwind], sourceOf(list), { documents: 29 }))).toBe('documents')
  expect(
    await run([unwind, ['sort', [['a', 'asc']]], ['limit', 5]], sourceOf(list), { documents: 30 }),
  ).toHaveLength(5)
})

test('[STAGE-23] too many bytes held at one time', async () => {
  const text = { c: numbered(20, () => ({ text: 'x'.repeat(1_000) })) }
  const budget = { bytes: 10_000 }
  const holding: readonly Stage[] = [
    ['sort', [['text', 'asc']]],
    ['sample', 20],
    ['group', { by: ['path', '_id'], fields: [['t', 'last', ['path', 'text']]] }],
    ['group', { by: one, fields: [['t', 'push', ['path', 'text']]] }],
    ['bucketAuto', { by: one, buckets: 2, fields: [] }],
  ]
  for (const stage of holding)
    expect(
      await limitOf(
        run([['skip', 0], ['unwind', { path: 'text', keepEmpty: false }], stage], sourceOf(text), budget),
      ),
    ).toBe('bytes')
  expect(await limitOf(run([], sourceOf(text), budget))).toBe('bytes')
  const passing: readonly Stage[] = [
    ['group', { by: one, fields: [['t', 'last', ['path', 'text']]] }],
    ['count', 'n'],
    ['limit', 5],
  ]
  for (const stage of passing) expect(await run([stage], sourceOf(text), budget)).not.toEqual([])
  const few = await run(
    [
      ['unwind', { path: 'text', keepEmpty: false }],
      ['sort', [['_id', 'desc']]],
      ['limit', 2],
    ],
    sourceOf(text),
    {
      bytes: 30_000,
    },
  )
  expect(few.map(({ _id }) => _id)).toEqual([19, 18])
})

test('[STAGE-23] a document that doubles at every stage ends early', async () => {
  const double: Stage = [
    'addFields',
    [
      [
        'a',
        [
          'list',
          [
            ['path', 'a'],
            ['path', 'a'],
          ],
        ],
      ],
    ],
  ]
  const error = run(
    Array.from({ length: 60 }, () => double),
    sourceOf({ c: numbered(1, () => ({ a: 'text' })) }),
  )
  expect(await limitOf(error)).toBe('bytes')
})

test('[STAGE-23] a value nested deeper than a document can be is refused', async () => {
  const deeper: Stage = ['addFields', [['a', ['object', [['a', ['path', 'a']]]]]]]
  const source = sourceOf({ c: numbered(1, () => ({ a: 1 })) })
  await expect(
    run(
      Array.from({ length: 70 }, () => deeper),
      source,
    ),
  ).rejects.toThrow('nested deeper than 64')
})

test('[STAGE-23] the time is over, in whichever stage', async () => {
  const pages = sourceOf({ c: numbered(100) }, 10)
  let time = 0
  expect(await limitOf(run([['count', 'n']], pages, { timeMs: 5 }, () => time++))).toBe('timeMs')
  expect(pages.pages).toBeLessThan(10)
  const list = { c: [{ _id: 1, a: Array.from({ length: 500 }, (_each, i) => i) }] }
  time = 0
  const unwinding = run(
    [
      ['unwind', { path: 'a', keepEmpty: false }],
      ['count', 'n'],
    ],
    sourceOf(list),
    { timeMs: 5 },
    () => time++,
  )
  expect(await limitOf(unwinding)).toBe('timeMs')
})
