import { expect, test } from 'vitest'
import { command } from '../../../builder/commands.ts'
import { computed } from '../../../testing/computed.ts'

const $ = command.aggregate

test('[EXPR-11] values of all types have one order, in which the missing come before null', () => {
  const ascending = [
    '$missing',
    null,
    Number.NaN,
    -1,
    0,
    'a',
    { a: 1 },
    [1],
    '$bytes',
    false,
    true,
    new Date(0),
    /x/,
  ]
  const document = { bytes: Uint8Array.of(1) }
  for (let i = 0; i < ascending.length; i++)
    for (let j = 0; j < ascending.length; j++) {
      const [a, b] = [ascending[i], ascending[j]]
      expect(computed($.cmp(a, b), document)).toBe(Math.sign(i - j))
      expect(computed($.lt(a, b), document)).toBe(i < j)
      expect(computed($.lte(a, b), document)).toBe(i <= j)
      expect(computed($.gt(a, b), document)).toBe(i > j)
      expect(computed($.gte(a, b), document)).toBe(i >= j)
      expect(computed($.eq(a, b), document)).toBe(i === j)
      expect(computed($.neq(a, b), document)).toBe(i !== j)
    }
})

test('[EXPR-11] -0 equals 0, NaN equals NaN, and a list is compared whole', () => {
  expect(computed($.eq('$a', 0), { a: -0 })).toBe(true)
  expect(computed($.cmp('$a', 0), { a: -0 })).toBe(0)
  expect(computed($.eq('$a', Number.NaN), { a: Number.NaN })).toBe(true)
  expect(computed($.eq('$a', 1), { a: [1] })).toBe(false)
  expect(computed($.eq('$a', [1, { b: 2 }]), { a: [1, { b: 2 }] })).toBe(true)
  expect(computed($.eq({ a: 1, b: 2 }, { b: 2, a: 1 }))).toBe(false)
  expect(computed($.gte('$at', new Date(5)), { at: new Date(6) })).toBe(true)
  expect(computed($.lt('\uffff', '\u{1f600}'))).toBe(true)
})
