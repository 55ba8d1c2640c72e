import { normalise, type Value } from '@nearcloud/protocol'
import { arbitraryValue } from '@nearcloud/protocol/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compareText, compareValues, equalityKey, equalValues } from './compare.ts'

const value = arbitraryValue({ maxDepth: 3 }).map(input => normalise(input))
/** A pair that is equal more often than chance would have it. */
const pair = fc.oneof(
  fc.tuple(value, value),
  value.map(each => [each, each] as [Value, Value]),
  fc.constantFrom<[Value, Value]>([0, -0], [[0], [-0]], [{ a: -0 }, { a: 0 }], [Number.NaN, Number.NaN]),
)

test('[ORDER-1] types come in one order: null, numbers, text, objects, arrays, bytes, booleans, dates, expressions', () => {
  const values = [
    null,
    Number.NaN,
    Number.NEGATIVE_INFINITY,
    -1,
    0,
    2,
    '',
    'a',
    '\uffff',
    '😀',
    {},
    { a: 1 },
    { a: 1, b: 0 },
    { a: 2 },
    { b: 0 },
    { a: 'x' },
    [],
    [1],
    [1, 0],
    ['a'],
    new Uint8Array([9]),
    new Uint8Array([1, 1]),
    false,
    true,
    new Date(-1),
    new Date(1),
    /a/,
    /a/i,
    /b/,
  ].map(each => normalise(each))
  const shuffled = [...values].reverse()
  expect(shuffled.sort(compareValues)).toEqual(values)
})

test('[ORDER-2] the order is total: antisymmetric and transitive', () => {
  fc.assert(
    fc.property(value, value, value, (a, b, c) => {
      expect(Math.sign(compareValues(a, b))).toBe(0 - Math.sign(compareValues(b, a)))
      const [x, y, z] = [a, b, c].sort(compareValues)
      expect(compareValues(x, y)).toBeLessThanOrEqual(0)
      expect(compareValues(y, z)).toBeLessThanOrEqual(0)
      expect(compareValues(x, z)).toBeLessThanOrEqual(0)
      expect(compareValues(a, a)).toBe(0)
    }),
    { numRuns: 500 },
  )
})

test('[ORDER-3] text is ordered as its UTF-8 bytes are', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'é', '\ud7ff', '\ue000', '\uffff', '😀', '𐀀') })
  const bytes = (each: string) => new TextEncoder().encode(each)
  fc.assert(
    fc.property(text, text, (a, b) => {
      expect(Math.sign(compareText(a, b))).toBe(Math.sign(Buffer.compare(bytes(a), bytes(b))))
    }),
  )
})

test('[ORDER-4] a key of equality is shared by equal values and by no others', () => {
  fc.assert(
    fc.property(pair, ([a, b]) => {
      expect(equalityKey(a) === equalityKey(b)).toBe(equalValues(a, b))
    }),
    { numRuns: 1_000 },
  )
})

test('[ORDER-5] a missing value ranks with null; fields in another order make another object', () => {
  expect(compareValues(undefined, null)).toBe(0)
  expect(compareValues(undefined, 0)).toBeLessThan(0)
  expect(equalValues({ a: 1, b: 2 }, { b: 2, a: 1 })).toBe(false)
})
