import { GeoPoint } from '@nearcloud/protocol'
import { expect, test } from 'vitest'
import type { Aggregation, Expression, Filter, Stage } from '../../types.ts'
import { bindAggregation } from './bind-aggregation.ts'
import { readsOf } from './reads.ts'

const a1: Filter = ['field', 'a', ['eq', 1]]
const b2: Filter = ['field', 'b', ['eq', 2]]
const everything: Filter = ['and', []]
const isOwn: Filter = [
  'expr',
  [
    'call',
    'eq',
    [
      'list',
      [
        ['path', 'a'],
        ['variable', 'id', ''],
      ],
    ],
  ],
]
const isOne: Filter = [
  'expr',
  [
    'call',
    'eq',
    [
      'list',
      [
        ['path', 'a'],
        ['value', 1],
      ],
    ],
  ],
]

/** By collection, what is read of it. */
const reads = (...stages: Stage[]) =>
  readsOf({ collection: 'c', stages }).map(({ collection, where, ...rest }) => {
    expect(rest).toEqual({ orderBy: [], skip: 0 })
    return [collection, where]
  })
const joining = (...pipeline: Stage[]): Stage => [
  'lookup',
  { from: 'd', as: 'x', let: [['id', ['path', '_id']]], pipeline },
]

test('[STAGE-24] of its own collection an aggregation reads what its leading matches let through', () => {
  expect(reads()).toEqual([['c', everything]])
  expect(reads(['match', a1])).toEqual([['c', a1]])
  expect(reads(['match', a1], ['match', isOne], ['limit', 3], ['match', b2])).toEqual([
    ['c', ['and', [a1, isOne]]],
  ])
  expect(reads(['sort', [['a', 'asc']]], ['match', a1])).toEqual([['c', everything]])
})

test('[STAGE-24] nearness reads what its query lets through', () => {
  const stage = {
    near: new GeoPoint(0, 0),
    distanceField: 'd',
    query: a1,
    distanceMultiplier: 1,
    limit: 1,
    key: 'at',
  }
  expect(reads(['geoNear', stage], ['match', b2])).toEqual([['c', a1]])
})

test('[STAGE-24] a lookup by equal fields reads all of the other collection', () => {
  expect(
    reads(['match', a1], ['lookup', { from: 'd', as: 'x', localField: 'a', foreignField: 'b' }]),
  ).toEqual([
    ['c', a1],
    ['d', everything],
  ])
})

test('[STAGE-24] one with a pipeline what its leading matches let through that name no variable', () => {
  expect(reads(joining(['match', ['and', [a1, isOwn, isOne]]], ['match', b2], ['limit', 1]))).toEqual([
    ['c', everything],
    ['d', ['and', [a1, isOne, b2]]],
  ])
  expect(reads(joining(['match', ['or', [a1, isOwn]]]))).toEqual([
    ['c', everything],
    ['d', everything],
  ])
})

test('[STAGE-24] and lookups in it know the variables around them', () => {
  const inner: Stage = [
    'lookup',
    { from: 'e', as: 'y', let: [], pipeline: [['match', ['and', [isOwn, b2]]]] },
  ]
  expect(reads(joining(inner), ['limit', 1])).toEqual([
    ['c', everything],
    ['d', everything],
    ['e', b2],
  ])
})

const asks = (...stages: Stage[]): Aggregation => ({ collection: 'c', stages })
const owner = (openid: string): Filter => ['field', '_openid', ['eq', openid]]
const text = (openid: string): Expression => [
  'call',
  'eq',
  [
    'list',
    [
      ['path', 'a'],
      ['value', openid],
    ],
  ],
]

/** Every place a value can stand. */
const everywhere = (openid: string): Aggregation =>
  asks(
    ['match', owner(openid)],
    ['match', ['expr', text(openid)]],
    [
      'project',
      [
        ['a', text(openid)],
        ['b', true],
      ],
    ],
    ['addFields', [['a', text(openid)]]],
    ['group', { by: text(openid), fields: [['n', 'sum', text(openid)]] }],
    ['bucket', { by: text(openid), boundaries: [1, 2], fields: [['n', 'sum', text(openid)]] }],
    ['bucketAuto', { by: text(openid), buckets: 1, fields: [['n', 'sum', text(openid)]] }],
    ['replaceRoot', text(openid)],
    ['sortByCount', text(openid)],
    ['lookup', { from: 'd', as: 'x', let: [['id', text(openid)]], pipeline: [['match', owner(openid)]] }],
    [
      'geoNear',
      { near: new GeoPoint(0, 0), distanceField: 'd', query: owner(openid), distanceMultiplier: 1, limit: 1 },
    ],
  )

test('[STAGE-24] the openid is bound in every condition and expression', () => {
  expect(bindAggregation(everywhere('{openid}'), 'ann')).toEqual(everywhere('ann'))
})

test('[STAGE-24] an aggregation that does not name it is the same object', () => {
  const other = everywhere('bob')
  expect(bindAggregation(other, 'ann')).toBe(other)
})
