import { GeoPoint } from '@nearcloud/protocol'
import { expect, test } from 'vitest'
import { CountedSource, numbered } from '../../testing/counted-source.ts'
import type { Expression, Stage } from '../../types.ts'
import { aggregate } from './run.ts'

const everything = ['and', []] as const

function run(stages: readonly Stage[], source: CountedSource) {
  return aggregate({ collection: 'c', stages }, { source, now: () => 0, random: () => 0 })
}

const a1 = ['field', 'a', ['eq', 1]] as const
const b2 = ['field', 'b', ['eq', 2]] as const

test('[STAGE-21] the matches a pipeline begins with, a sort, skips and limits are asked of the source', async () => {
  const source = new CountedSource({ c: numbered(50, i => ({ a: 1, b: 2, n: -i })) })
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
  const source = new CountedSource({ c: numbered(3) })
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
  const source = new CountedSource({ c: numbered(3) })
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
  const source = new CountedSource({ c: numbered(3, i => ({ at: new GeoPoint(i, 0) })) })
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
  const source = new CountedSource({
    c: numbered(2_000, i => ({ a: i % 3 })),
    d: numbered(3, i => ({ b: i })),
  })
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
  const source = new CountedSource({ c: numbered(50), d: numbered(40, i => ({ a: i % 2 })) })
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
  const source = new CountedSource({ c: numbered(1_000) }, 10)
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
    new CountedSource({ c: documents }),
  )
  for (const [i, result] of results.entries()) expect(result).toBe(documents[i])
  expect(Object.isFrozen(results)).toBe(true)
  const stages: Stage[] = [
    ['addFields', [['x.y', ['path', '_id']]]],
    ['unwind', { path: 'a', keepEmpty: true, index: 'x.i' }],
    ['lookup', { from: 'c', as: 'z', localField: '_id', foreignField: '_id' }],
  ]
  const made = await run(stages, new CountedSource({ c: documents }))
  expect(made[1]).toEqual({ _id: 1, a: 1, x: { y: 1, i: 0 }, z: [{ _id: 1, a: [1] }] })
  for (const each of made) for (const part of [each, each.x, each.z]) expect(Object.isFrozen(part)).toBe(true)
})

test('[STAGE-22] a lookup without a match for two documents shares nothing they could change', async () => {
  const results = await run(
    [['lookup', { from: 'd', as: 'x', localField: 'a', foreignField: 'b' }]],
    new CountedSource({ c: numbered(2) }),
  )
  expect(results).toEqual([
    { _id: 0, x: [] },
    { _id: 1, x: [] },
  ])
  expect(Object.isFrozen(results[0]!.x)).toBe(true)
})
