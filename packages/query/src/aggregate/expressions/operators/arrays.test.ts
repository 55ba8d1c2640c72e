import { expect, test } from 'vitest'
import { command } from '../../../builder/commands.ts'
import { computed } from '../../../testing/computed.ts'

const $ = command.aggregate
const l = [10, 20, 30, 40]

test('[EXPR-16] of null or nothing instead of an array these make null, of anything else an error', () => {
  const makers = {
    arrayElemAt: (a: unknown) => $.arrayElemAt(a, 0),
    concatArrays: (a: unknown) => $.concatArrays([1], a),
    indexOfArray: (a: unknown) => $.indexOfArray(a, 1),
    reverseArray: (a: unknown) => $.reverseArray(a),
    slice: (a: unknown) => $.slice(a, 1),
    zip: (a: unknown) => $.zip({ inputs: [[1], a] }),
    filter: (a: unknown) => $.filter({ input: a, cond: true }),
    map: (a: unknown) => $.map({ input: a, in: 1 }),
    reduce: (a: unknown) => $.reduce({ input: a, initialValue: 0, in: 1 }),
    arrayToObject: (a: unknown) => $.arrayToObject(a),
  }
  for (const [name, make] of Object.entries(makers)) {
    expect(computed(make('$a'), { a: null })).toBe(null)
    expect(computed(make('$a'))).toBe(null)
    expect(() => computed(make('$a'), { a: 'text' })).toThrow(`$.${name} takes an array`)
  }
})

test('[EXPR-17] arrayElemAt counts from the end when negative, and finds nothing out of range', () => {
  expect(computed($.arrayElemAt('$l', 0), { l })).toBe(10)
  expect(computed($.arrayElemAt(['$l', -1]), { l })).toBe(40)
  expect(computed($.arrayElemAt('$l', 4), { l })).toBeUndefined()
  expect(computed($.arrayElemAt('$l', -5), { l })).toBeUndefined()
  expect(computed({ x: $.arrayElemAt('$l', 9) }, { l })).toEqual({})
  expect(computed($.arrayElemAt('$l', null), { l })).toBe(null)
  expect(() => computed($.arrayElemAt('$l', 1.5), { l })).toThrow('an integer as the index, not 1.5')
  expect(() => computed($.arrayElemAt('$l', 'x'), { l })).toThrow('not string')
})

test('[EXPR-17] concatArrays, reverseArray, isArray, size', () => {
  expect(computed($.concatArrays('$l', [1, [2]], []), { l })).toEqual([...l, 1, [2]])
  expect(computed($.concatArrays([]))).toEqual([])
  expect(computed($.reverseArray('$l'), { l })).toEqual([40, 30, 20, 10])
  expect(computed($.isArray('$l'), { l })).toBe(true)
  expect(computed($.isArray(['$l']), { l: 'text' })).toBe(false)
  expect(computed($.isArray('$missing'))).toBe(false)
  expect(computed($.size('$l'), { l })).toBe(4)
  expect(computed($.size([[1, 2]]))).toBe(2)
  for (const a of [null, 'abc', 3])
    expect(() => computed($.size('$a'), { a })).toThrow('$.size takes an array')
  expect(() => computed($.size('$missing'))).toThrow('not missing')
})

test('[EXPR-17] in and indexOfArray look for an equal element', () => {
  expect(computed($.in(20, '$l'), { l })).toBe(true)
  expect(computed($.in(['$x', [1, 'a', null]]), { x: null })).toBe(true)
  expect(computed($.in('$missing', [null]))).toBe(false)
  expect(computed($.in({ a: 1 }, '$l'), { l: [{ a: 1 }] })).toBe(true)
  expect(computed($.in('abc', '$l'), { l: [/abc/] })).toBe(false)
  expect(computed($.in(Number.NaN, '$l'), { l: [Number.NaN] })).toBe(true)
  expect(computed($.in(0, '$l'), { l: [-0] })).toBe(true)
  for (const a of [null, 'abc']) expect(() => computed($.in(1, '$a'), { a })).toThrow('$.in takes an array')
  expect(computed($.indexOfArray('$l', 30), { l })).toBe(2)
  expect(computed($.indexOfArray('$l', 31), { l })).toBe(-1)
  expect(computed($.indexOfArray([1, 2, 1, 2], 2))).toBe(1)
  expect(computed($.indexOfArray('$l', '$v', 2), { l: [1, 2, 1, 2], v: 2 })).toBe(3)
  expect(computed($.indexOfArray('$l', 2, 0, 1), { l: [1, 2] })).toBe(-1)
  expect(computed($.indexOfArray('$l', 2, 5, 1), { l: [1, 2] })).toBe(-1)
  expect(() => computed($.indexOfArray('$l', 2, -1), { l })).toThrow('a start that is not negative')
  expect(() => computed($.indexOfArray('$l', 2, 0, null), { l })).toThrow('an integer as end')
})

test('[EXPR-17] range goes to before its end, in steps', () => {
  expect(computed($.range(0, 5))).toEqual([0, 1, 2, 3, 4])
  expect(computed($.range(0, 10, 4))).toEqual([0, 4, 8])
  expect(computed($.range(5, 0, '$step'), { step: -2 })).toEqual([5, 3, 1])
  expect(computed($.range(0, 5, -1))).toEqual([])
  expect(computed($.range(3, 3))).toEqual([])
  expect(() => computed($.range(0, 5, 0))).toThrow('a step that is not 0')
  expect(() => computed($.range(0, '$missing'))).toThrow('an integer as the end, not missing')
  expect(() => computed($.range(0.5, 2))).toThrow('an integer as the start, not 0.5')
  expect(() => computed($.range(0, 2 ** 31))).toThrow('an integer as the end')
})

test('[EXPR-17] slice takes the first or the last, or some from a position', () => {
  expect(computed($.slice('$l', 2), { l })).toEqual([10, 20])
  expect(computed($.slice('$l', -3), { l })).toEqual([20, 30, 40])
  expect(computed($.slice('$l', -9), { l })).toEqual(l)
  expect(computed($.slice('$l', 0), { l })).toEqual([])
  expect(computed($.slice('$l', 1, 2), { l })).toEqual([20, 30])
  expect(computed($.slice('$l', -2, 1), { l })).toEqual([30])
  expect(computed($.slice('$l', -9, 1), { l })).toEqual([10])
  expect(computed($.slice('$l', 9, 1), { l })).toEqual([])
  expect(computed($.slice('$l', null), { l })).toBe(null)
  expect(computed($.slice('$l', 1, '$missing'), { l })).toBe(null)
  for (const n of [0, -1]) expect(() => computed($.slice('$l', 1, n), { l })).toThrow('a positive count')
  expect(() => computed($.slice('$l', 'x'), { l })).toThrow('an integer as the count')
})

test('[EXPR-17] zip takes the first of each, then the second, to the shortest or the longest', () => {
  const lists = { a: [1, 2, 3], b: ['x'] }
  expect(computed($.zip({ inputs: ['$a', '$b'] }), lists)).toEqual([[1, 'x']])
  expect(computed($.zip({ inputs: ['$a', '$b'], useLongestLength: true }), lists)).toEqual([
    [1, 'x'],
    [2, null],
    [3, null],
  ])
  expect(
    computed(
      $.zip({ inputs: ['$a', '$b'], useLongestLength: true, defaults: [0, $.concat('n', 'o')] }),
      lists,
    ),
  ).toEqual([
    [1, 'x'],
    [2, 'no'],
    [3, 'no'],
  ])
  expect(() => computed($.zip({ inputs: [] }))).toThrow('a list of arrays')
  expect(() => computed($.zip({ inputs: '$a' }))).toThrow('a list of arrays')
  expect(() => computed($.zip({ inputs: ['$a'], defaults: [1] }))).toThrow('useLongestLength: true')
  expect(() => computed($.zip({ inputs: ['$a'], useLongestLength: true, defaults: [] }))).toThrow(
    'one for each',
  )
  expect(() => computed($.zip({ inputs: ['$a'], useLongestLength: 1 }))).toThrow('true or false')
})
