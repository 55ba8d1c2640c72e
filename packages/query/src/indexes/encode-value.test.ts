import { normalise, type Value } from '@nearcloud/protocol'
import { arbitraryValue } from '@nearcloud/protocol/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compareValues } from '../compare.ts'
import { cutKey, encodeValue, following, invert } from './encode-value.ts'

const orderOf = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)
const text = fc.string({
  unit: fc.constantFrom(
    '\0',
    '\x01',
    'a',
    '\x7f',
    '\x80',
    '߿',
    'ࠀ',
    '\ud7ff',
    '\ue000',
    '\uffff',
    '𐀀',
    '\u{10ffff}',
  ),
  maxLength: 3,
})
const number = fc.oneof(
  fc.double(),
  fc.integer({ min: -300, max: 300 }),
  fc.constantFrom(-0, 5e-324, -5e-324),
)
/** Of few parts, so that values often share a beginning. */
const { near } = fc.letrec<{ near: unknown }>(tie => ({
  near: fc.oneof(
    { maxDepth: 3 },
    text,
    number,
    fc.constantFrom(null, true, false, new Date(0), new Date(-1), /a/, /a/i, /ab/),
    fc.uint8Array({ maxLength: 3 }),
    fc.array(tie('near'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('a', 'b', 'ab'), tie('near'), { maxKeys: 2 }),
  ),
}))
const value = fc.oneof(near, arbitraryValue({ maxDepth: 3 })).map(each => normalise(each))
const pair = fc.oneof(
  fc.tuple(value, value),
  value.map(each => [each, each] as [Value, Value]),
  fc.tuple(text, text) as fc.Arbitrary<[Value, Value]>,
  fc.tuple(number, number) as fc.Arbitrary<[Value, Value]>,
  fc.constantFrom<[Value, Value]>([0, -0], [[0], [-0]], [{ a: -0 }, { a: 0 }], [Number.NaN, Number.NaN]),
)

test('[KEY-1] encoded values are bytes in the order of the values', () => {
  fc.assert(
    fc.property(pair, ([a, b]) => {
      const [left, right] = [encodeValue(a), encodeValue(b)]
      fc.pre(left.length <= 1_024 && right.length <= 1_024)
      expect(orderOf(left, right)).toBe(Math.sign(compareValues(a, b)))
      expect(/^[\0-\xff]+$/.test(left)).toBe(true)
    }),
    { numRuns: 3_000 },
  )
})

test('[KEY-1] what follows a value has no say in its order, and turned round the order is the opposite', () => {
  fc.assert(
    fc.property(pair, fc.constantFrom('', '\0', '\xff'), ([a, b], end) => {
      const [left, right] = [encodeValue(a), encodeValue(b)]
      const order = orderOf(left, right)
      if (order !== 0) expect(left.startsWith(right) || right.startsWith(left)).toBe(false)
      expect(orderOf(invert(left) + end, invert(right) + end)).toBe(order === 0 ? 0 : -order)
    }),
    { numRuns: 2_000 },
  )
})

test('[KEY-1] what is cut keeps its order, except that others may be equal to it', () => {
  const long = fc.oneof(
    fc
      .tuple(fc.constantFrom('x', '世', '😀'), fc.integer({ min: 250, max: 1_100 }), text)
      .map(([letter, length, end]) => letter.repeat(length) + end),
    fc.array(fc.constantFrom(0, 'a', 'b'.repeat(400)), { minLength: 100, maxLength: 130 }),
    fc.tuple(fc.integer({ min: 1_015, max: 1_100 }), fc.nat(2)).map(([length, last]) => {
      const bytes = new Uint8Array(length)
      bytes[length - 1] = last
      return bytes
    }),
  )
  const value = long.map(each => normalise(each))
  fc.assert(
    fc.property(value, value, (a, b) => {
      const order = orderOf(cutKey(encodeValue(a)), cutKey(encodeValue(b)))
      expect([0, Math.sign(compareValues(a, b))]).toContain(order)
    }),
    { numRuns: 500 },
  )
})

test('[KEY-1] what follows all that begin alike', () => {
  expect([following('a'), following('a\xff\xff'), following('\xff'), following('')]).toEqual([
    'b',
    'b',
    undefined,
    undefined,
  ])
})
