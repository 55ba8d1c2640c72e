import { type Document, type DocumentData, GeoPoint, normalise } from '@nearcloud/protocol'
import { expect, test } from 'vitest'
import type { Filter, Test } from '../types.ts'
import { compileFilter } from './compile.ts'

function matches(data: DocumentData, filter: Filter): boolean {
  return compileFilter(filter)(normalise({ _id: 'x', ...data }) as Document)
}

/** Which of the values of `a` satisfy the test (`undefined`: the field is missing). */
function satisfying(test: Test, values: readonly unknown[], path = 'a'): unknown[] {
  return values.filter(value =>
    matches(value === undefined ? {} : ({ a: value } as DocumentData), ['field', path, test]),
  )
}

test('[MATCH-1] equality is of the whole value, or of an element of an array', () => {
  expect(satisfying(['eq', 1], [1, '1', [0, 1], [[1]], undefined, null])).toEqual([1, [0, 1]])
  expect(satisfying(['eq', [1, 2]], [[1, 2], [2, 1], [[1, 2]], 1])).toEqual([[1, 2], [[1, 2]]])
  expect(satisfying(['eq', { b: 1, c: 2 }], [{ b: 1, c: 2 }, { c: 2, b: 1 }, { b: 1 }])).toEqual([
    { b: 1, c: 2 },
  ])
  expect(satisfying(['eq', Number.NaN], [Number.NaN, [Number.NaN], 1, undefined])).toEqual([
    Number.NaN,
    [Number.NaN],
  ])
  expect(satisfying(['eq', 0], [-0, [-0], '0'])).toEqual([-0, [-0]])
})

test('[MATCH-2] null equals null and a missing field; exists tells them apart', () => {
  expect(satisfying(['eq', null], [null, undefined, 0, [null], []])).toEqual([null, undefined, [null]])
  expect(satisfying(['exists', true], [null, undefined, []])).toEqual([null, []])
  expect(satisfying(['exists', false], [null, undefined, []])).toEqual([undefined])
})

test('[MATCH-3] neq and nin are negations: a missing field satisfies them, an array with the value does not', () => {
  expect(satisfying(['neq', 1], [1, 2, undefined, [1, 2]])).toEqual([2, undefined])
  expect(satisfying(['nin', [1, null]], [1, 2, undefined, [1, 2]])).toEqual([2])
  expect(satisfying(['nin', []], [1, undefined])).toEqual([1, undefined])
  expect(satisfying(['in', []], [1, undefined])).toEqual([])
})

test('[MATCH-4] comparisons hold only inside a type', () => {
  const values = [1, 5, '5', null, undefined, true, new Date(5), [0, 9], Number.NaN]
  expect(satisfying(['gt', 2], values)).toEqual([5, [0, 9]])
  expect(satisfying(['lte', 2], values)).toEqual([1, [0, 9]])
  expect(satisfying(['gte', '5'], values)).toEqual(['5'])
  expect(satisfying(['gte', null], values)).toEqual([null, undefined])
  expect(satisfying(['gt', null], values)).toEqual([])
  expect(satisfying(['gte', Number.NaN], values)).toEqual([Number.NaN])
  expect(satisfying(['lt', new Date(6)], values)).toEqual([new Date(5)])
})

test('[MATCH-5] text is ordered by code points', () => {
  expect(satisfying(['gt', '\uffee'], ['😀', 'z', '\uffef'])).toEqual(['😀', '\uffef'])
})

test('[MATCH-6] a path goes through the objects of arrays, and by index', () => {
  const list = { a: [{ b: 1 }, { b: [5, 6] }, 7] }
  const at = (path: string, test: Test) => matches(list, ['field', path, test])
  expect(at('a.b', ['eq', 1])).toBe(true)
  expect(at('a.b', ['eq', 6])).toBe(true)
  expect(at('a.1.b', ['eq', 1])).toBe(false)
  expect(at('a.0.b', ['eq', 1])).toBe(true)
  expect(at('a.2', ['eq', 7])).toBe(true)
  expect(at('a.1.b.0', ['eq', 5])).toBe(true)
})

test('[MATCH-7] an array without objects on the way is neither a value nor a missing field', () => {
  expect(satisfying(['eq', null], [[], [1], [{}], [{ b: 1 }], 4, undefined], 'a.b')).toEqual([
    [{}],
    4,
    undefined,
  ])
  expect(satisfying(['exists', false], [[], [1], [{}], [{ b: 1 }]], 'a.b')).toEqual([[], [1], [{}]])
})

test('[MATCH-8] and, or, not, nor', () => {
  expect(
    satisfying(
      [
        'and',
        [
          ['gt', 1],
          ['lt', 5],
        ],
      ],
      [1, 3, 5, [0, 9]],
    ),
  ).toEqual([3, [0, 9]])
  expect(
    satisfying(
      [
        'or',
        [
          ['lt', 1],
          ['gt', 5],
        ],
      ],
      [0, 3, 6],
    ),
  ).toEqual([0, 6])
  expect(satisfying(['not', ['gt', 1]], [0, 2, 'x', undefined])).toEqual([0, 'x', undefined])
  const filter: Filter = [
    'nor',
    [
      ['field', 'a', ['eq', 1]],
      ['field', 'b', ['eq', 2]],
    ],
  ]
  expect([matches({ a: 1 }, filter), matches({ b: 2 }, filter), matches({ a: 2 }, filter)]).toEqual([
    false,
    false,
    true,
  ])
  expect(matches({}, ['and', []])).toBe(true)
})

test('[MATCH-9] an inherited property is never a field', () => {
  for (const path of ['toString', 'valueOf.name', 'hasOwnProperty'])
    expect(matches({}, ['field', path, ['exists', true]])).toBe(false)
})

test('[MATCH-9] a field named like an inherited one is read where it is put, on any path and by any test', () => {
  const list: readonly DocumentData[] = [{ valueOf: 3 }, { toString: 'text' }]
  expect(matches({ valueOf: 3 }, ['field', 'valueOf', ['gte', 3]])).toBe(true)
  expect(matches({ toString: ['text'] }, ['field', 'toString', ['eq', 'text']])).toBe(true)
  expect(matches({ list }, ['field', 'list.valueOf', ['eq', 3]])).toBe(true)
  expect(matches({ list }, ['field', 'list.toString', ['in', ['text']]])).toBe(true)
  expect(matches({ list }, ['field', 'list.constructor', ['exists', true]])).toBe(false)
  expect(matches({}, ['field', 'constructor', ['eq', null]])).toBe(true)
  expect(matches({}, ['field', 'valueOf', ['neq', 3]])).toBe(true)
  expect(matches({}, ['field', '__proto__', ['exists', true]])).toBe(false)
  expect(matches({ list }, ['field', 'list.__proto__', ['eq', null]])).toBe(true)
})

test('[MATCH-10] geoNear is in metres on a sphere', () => {
  const near = (maxDistance: number, minDistance?: number): Test => [
    'geoNear',
    { geometry: new GeoPoint(116.4, 39.9), maxDistance, ...(minDistance !== undefined && { minDistance }) },
  ]
  const shanghai = new GeoPoint(121.47, 31.23)
  expect(satisfying(near(1_066_000), [shanghai, 'text', undefined])).toEqual([])
  expect(satisfying(near(1_069_000), [shanghai, 'text', undefined])).toEqual([shanghai])
  expect(satisfying(near(1_069_000, 1_068_500), [shanghai])).toEqual([])
})
