import { expect, test } from 'vitest'
import { command } from '../../../builder/commands.ts'
import { computed } from '../../../testing/computed.ts'

const $ = command.aggregate

test('[EXPR-19] sets have each value once, in no order of note, elements compared whole', () => {
  const document = { a: [3, 1, 3, [1]], b: [1, 2, [1], { x: 1 }] }
  expect(computed($.setUnion('$a', '$b'), document)).toEqual([3, 1, [1], 2, { x: 1 }])
  expect(computed($.setUnion([]), document)).toEqual([])
  expect(computed($.setIntersection('$a', '$b'), document)).toEqual([1, [1]])
  expect(computed($.setIntersection([]), document)).toEqual([])
  expect(computed($.setDifference('$a', '$b'), document)).toEqual([3])
  expect(computed($.setDifference('$b', '$a'), document)).toEqual([2, { x: 1 }])
  expect(computed($.setEquals('$a', [[1], 3, 1]), document)).toBe(true)
  expect(computed($.setEquals('$a', [1, 3], [1, 3]), document)).toBe(false)
  expect(computed($.setIsSubset([1, 1], '$a'), document)).toBe(true)
  expect(computed($.setIsSubset('$a', [1, 3]), document)).toBe(false)
  expect(computed($.setIsSubset([], []))).toBe(true)
})

test('[EXPR-19] -0 is 0, NaN is NaN, 1 is not "1" and not true', () => {
  expect(computed($.setUnion('$l', [0]), { l: [-0] })).toHaveLength(1)
  expect(computed($.setUnion('$l', '$l'), { l: [Number.NaN] })).toHaveLength(1)
  expect(computed($.setUnion([1, '1', true, null], ['null', 1]))).toEqual([1, '1', true, null, 'null'])
  expect(computed($.setUnion('$l', '$l'), { l: [new Date(0), { a: -0 }, { a: 0 }] })).toHaveLength(2)
})

test('[EXPR-19] union, intersection and difference with null or nothing are null; the others fail', () => {
  for (const name of ['setUnion', 'setIntersection', 'setDifference'] as const) {
    expect(computed($[name]([1], '$missing'))).toBe(null)
    expect(computed($[name](null, [1]))).toBe(null)
    expect(() => computed($[name]([1], 'x'))).toThrow(`$.${name} takes arrays, not string`)
  }
  for (const name of ['setEquals', 'setIsSubset'] as const)
    expect(() => computed($[name]([1], '$missing'))).toThrow(`$.${name} takes arrays, not missing`)
})

test('[EXPR-19] allElementsTrue and anyElementTrue look into one array', () => {
  expect(computed($.allElementsTrue(['$l']), { l: [1, 'x', []] })).toBe(true)
  expect(computed($.allElementsTrue('$l'), { l: [1, 0] })).toBe(false)
  expect(computed($.allElementsTrue([[]]))).toBe(true)
  expect(computed($.anyElementTrue([[]]))).toBe(false)
  expect(computed($.anyElementTrue(['$l']), { l: [0, null, false] })).toBe(false)
  expect(computed($.anyElementTrue(['$l']), { l: [0, [0]] })).toBe(true)
  expect(() => computed($.allElementsTrue(['$missing']))).toThrow('$.allElementsTrue takes arrays')
  expect(() => computed($.anyElementTrue([null]))).toThrow('$.anyElementTrue takes arrays')
})
