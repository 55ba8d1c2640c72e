import { type Document, normalise, RegExpValue } from '@nearcloud/protocol'
import { expect, test } from 'vitest'
import type { Test } from '../types.ts'
import { compileFilter } from './compile.ts'

function passes(value: unknown, condition: Test, path = 'a'): boolean {
  return compileFilter(['field', path, condition])(normalise({ _id: 'x', a: value }) as Document)
}

test('[MATCH-12] mod divides whole numbers and keeps the sign; only numbers have a remainder', () => {
  expect([9, 9.9, -9, 10, 0, -0].map(value => passes(value, ['mod', [4, 1]]))).toEqual([
    true,
    true,
    false,
    false,
    false,
    false,
  ])
  expect(passes(-9, ['mod', [4, -1]])).toBe(true)
  expect(passes(-8, ['mod', [4, 0]])).toBe(true)
  expect(passes([3, 'x', 5], ['mod', [4, 1]])).toBe(true)
  expect(passes(5, ['mod', [4.9, 1.9]])).toBe(true)
  for (const value of [
    '5',
    null,
    undefined,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    2 ** 70,
    new Date(5),
    true,
  ])
    expect([value, passes(value, ['mod', [1, 0]])]).toEqual([value, false])
})

test('[MATCH-13] all: an array that has every value, or a scalar that is each of them; of none, nothing', () => {
  expect(passes(['a', 'b', 'c'], ['all', ['c', 'a']])).toBe(true)
  expect(passes(['a', 'b'], ['all', ['a', 'c']])).toBe(false)
  expect(passes('a', ['all', ['a']])).toBe(true)
  expect(passes('a', ['all', ['a', 'b']])).toBe(false)
  expect(passes(['a'], ['all', []])).toBe(false)
  expect(passes([[1, 2], 3], ['all', [[1, 2]]])).toBe(true)
  expect(passes([1, 2], ['all', [[1, 2]]])).toBe(true)
  expect(passes(['apple', 'pear'], ['all', [new RegExpValue('^a'), 'pear']])).toBe(true)
  expect(passes(undefined, ['all', [null]])).toBe(true)
})

test('[MATCH-14] size is that of an array, whole; anything else has none', () => {
  expect(passes([1, 2], ['size', 2])).toBe(true)
  expect(passes([], ['size', 0])).toBe(true)
  expect(passes([[1, 2]], ['size', 2])).toBe(false)
  expect(passes([[1, 2]], ['size', 2], 'a.0')).toBe(true)
  expect(passes([{ b: [1] }, { b: [1, 2] }], ['size', 2], 'a.b')).toBe(true)
  for (const value of [null, undefined, 'ab', { length: 2 }, new Uint8Array(2)])
    expect([value, passes(value, ['size', 2])]).toEqual([value, false])
})

test('[MATCH-15] elemMatch: one single element satisfies everything', () => {
  const between: Test = [
    'elemMatch',
    {
      is: [
        'and',
        [
          ['gt', 1],
          ['lt', 5],
        ],
      ],
    },
  ]
  expect(passes([0, 3], between)).toBe(true)
  expect(passes([0, 10], between)).toBe(false)
  expect(passes(3, between)).toBe(false)
  const both: Test = [
    'elemMatch',
    {
      where: [
        'and',
        [
          ['field', 'b', ['eq', 1]],
          ['field', 'c.d', ['gt', 2]],
        ],
      ],
    },
  ]
  expect(passes([{ b: 1, c: { d: 3 } }], both)).toBe(true)
  expect(
    passes(
      [
        { b: 1, c: { d: 1 } },
        { b: 2, c: { d: 3 } },
      ],
      both,
    ),
  ).toBe(false)
  expect(passes({ b: 1, c: { d: 3 } }, both)).toBe(false)
  expect(passes([{}], ['elemMatch', { where: ['and', []] }])).toBe(true)
  expect(passes([5, 'x', null], ['elemMatch', { where: ['and', []] }])).toBe(false)
})

test('[MATCH-16] an element is tested as it is: an array in it is not taken apart, nothing in it is missing', () => {
  expect(passes([[3]], ['elemMatch', { is: ['eq', 3] }])).toBe(false)
  expect(passes([[3]], ['elemMatch', { is: ['eq', [3]] }])).toBe(true)
  expect(passes([[3]], ['elemMatch', { is: ['elemMatch', { is: ['eq', 3] }] }])).toBe(true)
  expect(passes([[7, 8]], ['elemMatch', { where: ['field', '1', ['eq', 8]] }])).toBe(true)
  expect(passes([[7]], ['elemMatch', { where: ['field', 'length', ['eq', 1]] }])).toBe(false)
  expect(passes([1], ['elemMatch', { is: ['eq', null] }])).toBe(false)
  expect(passes([1, null], ['elemMatch', { is: ['eq', null] }])).toBe(true)
  expect(passes([1, 2], ['elemMatch', { is: ['not', ['eq', 1]] }])).toBe(true)
  expect(passes([1, 1], ['elemMatch', { is: ['not', ['eq', 1]] }])).toBe(false)
  const point = { type: 'Point', coordinates: [1, 2] }
  expect(passes([point], ['elemMatch', { where: ['field', 'type', ['eq', 'Point']] }])).toBe(true)
})
