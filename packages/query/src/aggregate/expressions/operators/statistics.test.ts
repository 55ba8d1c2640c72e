import { expect, test } from 'vitest'
import { command } from '../../../builder/commands.ts'
import { computed } from '../../../testing/computed.ts'

const $ = command.aggregate

test('[EXPR-22] sum and avg pass over what is no number', () => {
  expect(computed($.sum('$l'), { l: [1, 'x', null, 2, [3], true] })).toBe(3)
  expect(computed($.sum('$l'))).toBe(0)
  expect(computed($.sum([]))).toBe(0)
  expect(computed($.sum('$a', '$b', '$l'), { a: 1, b: 2, l: [5] })).toBe(3)
  expect(computed($.sum('$a'), { a: 7 })).toBe(7)
  expect(computed($.sum('$items.price'), { items: [{ price: 1 }, { price: 2 }, {}] })).toBe(3)
  expect(computed($.avg('$l'), { l: [1, 'x', 2] })).toBe(1.5)
  expect(computed($.avg('$l'), { l: ['x'] })).toBe(null)
  expect(computed($.avg(['$a', '$b']), { a: 1 })).toBe(1)
})

test('[EXPR-22] max and min take the order of all values, and pass over null and nothing', () => {
  expect(computed($.max('$l'), { l: [1, 'x', null, 30] })).toBe('x')
  expect(computed($.min('$l'), { l: [null, 2, 'x', -1] })).toBe(-1)
  expect(computed($.max('$l'), { l: [null] })).toBe(null)
  expect(computed($.min('$missing'))).toBe(null)
  expect(computed($.max('$a', '$b', 3), { a: 1, b: [2] })).toEqual([2])
  expect(computed($.min(Number.NaN, '$a'), { a: -5 })).toBeNaN()
})

test('[EXPR-22] the deviation of a population and of a sample', () => {
  expect(computed($.stdDevPop('$l'), { l: [2, 4, 4, 4, 5, 5, 7, 9] })).toBe(2)
  expect(computed($.stdDevSamp('$l'), { l: [2, 4, 'x', 6] })).toBe(2)
  expect(computed($.stdDevPop('$l'), { l: [5] })).toBe(0)
  expect(computed($.stdDevSamp('$l'), { l: [5] })).toBe(null)
  expect(computed($.stdDevPop('$l'), { l: ['x'] })).toBe(null)
  expect(computed($.stdDevPop(['$a', 3]), { a: 1 })).toBe(1)
})
