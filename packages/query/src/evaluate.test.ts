import { type Document, type DocumentData, GeoPoint, normalise } from '@nearcloud/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compareValues } from './compare.ts'
import { evaluate } from './evaluate.ts'
import { compileOrder, firstInOrder } from './sort.ts'
import type { Query } from './types.ts'

function ids(documents: readonly DocumentData[], parts: Partial<Query>): unknown[] {
  const query: Query = { collection: 'c', where: ['and', []], orderBy: [], skip: 0, ...parts }
  return evaluate(
    query,
    documents.map(each => normalise(each) as Document),
  ).map(({ _id }) => _id)
}

test('[SORT-1] without an order documents come by _id, numbers before text', () => {
  expect(ids([{ _id: 'b' }, { _id: 10 }, { _id: 'a' }, { _id: 9 }], {})).toEqual([9, 10, 'a', 'b'])
})

test('[SORT-2] keys are compared one after the other, and _id decides what is equal', () => {
  const documents = [
    { _id: 1, a: 1, b: 1 },
    { _id: 2, a: 1, b: 2 },
    { _id: 3, a: 0, b: 0 },
    { _id: 4, a: 0, b: 0 },
  ]
  expect(
    ids(documents, {
      orderBy: [
        ['a', 'asc'],
        ['b', 'desc'],
      ],
    }),
  ).toEqual([3, 4, 2, 1])
  expect(ids(documents, { orderBy: [['a', 'desc']] })).toEqual([1, 2, 3, 4])
})

test('[SORT-3] a missing field is null; an array is its least element, or its greatest when descending', () => {
  const documents = [
    { _id: 'missing' },
    { _id: 'null', a: null },
    { _id: 'empty', a: [] },
    { _id: 'list', a: [1, 9] },
    { _id: 'five', a: 5 },
  ]
  expect(ids(documents, { orderBy: [['a', 'asc']] })).toEqual(['empty', 'missing', 'null', 'list', 'five'])
  expect(ids(documents, { orderBy: [['a', 'desc']] })).toEqual(['list', 'five', 'missing', 'null', 'empty'])
  expect(
    ids(
      [
        { _id: 1, a: [{ b: 2 }, { b: 7 }] },
        { _id: 2, a: { b: 3 } },
      ],
      { orderBy: [['a.b', 'desc']] },
    ),
  ).toEqual([1, 2])
})

test('[SORT-4] skip and limit cut the ordered answer', () => {
  const documents = Array.from({ length: 50 }, (_, i) => ({ _id: i, n: i % 7 }))
  const order: Partial<Query> = { orderBy: [['n', 'desc']] }
  const all = ids(documents, order)
  expect(ids(documents, { ...order, skip: 3, limit: 4 })).toEqual(all.slice(3, 7))
  expect(ids(documents, { ...order, skip: 60 })).toEqual([])
})

test('[SORT-5] an explicit order stands before the distance', () => {
  const near: Partial<Query> = { where: ['field', 'p', ['geoNear', { geometry: new GeoPoint(0, 0) }]] }
  const documents = [
    { _id: 1, p: new GeoPoint(2, 0), n: 1 },
    { _id: 2, p: new GeoPoint(1, 0), n: 2 },
  ]
  expect(ids(documents, near)).toEqual([2, 1])
  expect(ids(documents, { ...near, orderBy: [['n', 'asc']] })).toEqual([1, 2])
})

test('[SORT-6] the first of many are the first of all in order', () => {
  const documents = fc
    .array(fc.record({ n: fc.nat(20) }), { maxLength: 200 })
    .map(list => list.map((each, _id) => ({ _id, ...each })))
  fc.assert(
    fc.property(documents, fc.nat(30), (list, count) => {
      const order = compileOrder({ where: ['and', []], orderBy: [['n', 'desc']] })
      const expected = [...list].sort((a, b) => compareValues(b.n, a.n) || a._id - b._id)
      expect(firstInOrder(list, order, count)).toEqual(expected.slice(0, count))
    }),
  )
})
