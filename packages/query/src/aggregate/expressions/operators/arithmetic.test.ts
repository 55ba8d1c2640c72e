import { expect, test } from 'vitest'
import { command } from '../../../builder/commands.ts'
import { computed } from '../../../testing/computed.ts'

const $ = command.aggregate
const unfit = expect.objectContaining({ code: 'DATABASE_REQUEST_FAILED' })

test('[EXPR-12] of null or nothing arithmetic makes null, of what is no number an error that names it', () => {
  const unary = ['abs', 'ceil', 'exp', 'floor', 'ln', 'log10', 'sqrt', 'trunc'] as const
  for (const name of unary) {
    expect(computed($[name]('$a'), { a: null })).toBe(null)
    expect(computed($[name]('$a'))).toBe(null)
    for (const a of ['1', true, [1], {}, new Date(0)]) {
      expect(() => computed($[name]('$a'), { a })).toThrow(unfit)
      expect(() => computed($[name]('$a'), { a })).toThrow(`$.${name} takes a number, not`)
    }
    expect(computed($[name]('$a'), { a: Number.NaN })).toBeNaN()
  }
  for (const name of ['add', 'divide', 'log', 'mod', 'multiply', 'pow', 'subtract'] as const) {
    expect(computed($[name]('$a', 2), { a: null })).toBe(null)
    expect(computed($[name](2, '$a'))).toBe(null)
    expect(() => computed($[name](2, '$a'), { a: '1' })).toThrow(unfit)
    expect(() => computed($[name]('$a', 2), { a: true })).toThrow(`$.${name} takes`)
  }
})

test('[EXPR-12] add takes any number of numbers', () => {
  expect(computed($.add('$a', 1), { a: 2 })).toBe(3)
  expect(computed($.add('$a', '$b', 3, 4), { a: 1, b: 2 })).toBe(10)
  expect(computed($.add([]))).toBe(0)
  expect(computed($.add('$a'), { a: 5 })).toBe(5)
  expect(computed($.add(1, '$a', 'x'), { a: null })).toBe(null)
})

test('[EXPR-13] a date and milliseconds make a date, two dates their distance', () => {
  const at = new Date(10_000)
  expect(computed($.add('$at', 500), { at })).toEqual(new Date(10_500))
  expect(computed($.add(500, '$at', 1.7), { at })).toEqual(new Date(10_501))
  expect(() => computed($.add('$at', '$at'), { at })).toThrow('$.add takes one date at most')
  expect(() => computed($.add('$at', 9e15), { at })).toThrow('a date out of range')
  expect(() => computed($.add('$at', Number.NaN), { at })).toThrow('a date out of range')
  expect(computed($.subtract('$at', new Date(4_000)), { at })).toBe(6_000)
  expect(computed($.subtract('$at', 1_000), { at })).toEqual(new Date(9_000))
  expect(computed($.subtract('$at', 0.7), { at })).toEqual(at)
  expect(() => computed($.subtract(1_000, '$at'), { at })).toThrow('a date and a number, not int and date')
})

test('[EXPR-14] a sum of several keeps what rounding loses', () => {
  expect(computed($.add(0.1, 0.2, 0.3))).toBe(0.6)
  expect(computed($.sum([1e16, 1, -1e16]))).toBe(1)
  expect(computed($.sum('$l'), { l: new Array(10).fill(0.1) })).toBe(1)
  expect(computed($.avg('$l'), { l: new Array(10).fill(0.1) })).toBe(0.1)
  expect(computed($.sum([Infinity, 1, 2]))).toBe(Infinity)
  expect(computed($.sum([Infinity, -Infinity]))).toBeNaN()
  expect(computed($.sum([1e308, 1e308, -1e308]))).toBe(Infinity)
})

test('[EXPR-15] subtract, multiply, divide, mod', () => {
  expect(computed($.subtract('$a', '$b'), { a: 5, b: 7 })).toBe(-2)
  expect(computed($.multiply('$a', '$b', 2), { a: 3, b: 4 })).toBe(24)
  expect(computed($.multiply([]))).toBe(1)
  expect(computed($.multiply(-1, '$a'), { a: 0 })).toBe(0)
  expect(computed($.divide('$a', 4), { a: 10 })).toBe(2.5)
  expect(computed($.mod('$a', 3), { a: -7 })).toBe(-1)
  expect(computed($.mod('$a', 3), { a: -6 })).toBe(0)
  expect(computed($.mod(7.5, 2))).toBe(1.5)
  expect(() => computed($.divide('$a', 0), { a: 1 })).toThrow('$.divide cannot divide by zero')
  expect(() => computed($.mod('$a', -0), { a: 1 })).toThrow('$.mod cannot divide by zero')
  expect(computed($.divide(null, 0))).toBe(null)
})

test('[EXPR-15] abs, ceil, floor, trunc, exp, sqrt, pow', () => {
  const of = (n: number) => ({ n })
  expect(computed($.abs('$n'), of(-3))).toBe(3)
  expect(computed($.ceil('$n'), of(1.2))).toBe(2)
  expect(computed($.floor('$n'), of(-1.2))).toBe(-2)
  expect(computed($.trunc('$n'), of(-1.9))).toBe(-1)
  expect(computed($.exp('$n'), of(0))).toBe(1)
  expect(computed($.sqrt('$n'), of(25))).toBe(5)
  expect(() => computed($.sqrt('$n'), of(-1))).toThrow('$.sqrt has no root of -1')
  expect(computed($.pow('$n', 3), of(-2))).toBe(-8)
  expect(computed($.pow('$n', 0.5), of(-2))).toBeNaN()
  expect(() => computed($.pow('$n', -1), of(0))).toThrow('cannot raise 0 to a negative power')
})

test('[EXPR-15] logarithms are of positive numbers, to a base that is positive and not 1', () => {
  expect(computed($.ln(Math.E))).toBe(1)
  expect(computed($.log10('$n'), { n: 1_000 })).toBe(3)
  expect(computed($.log('$n', 2), { n: 8 })).toBe(3)
  expect(computed($.log('$n', 10), { n: 1_000 })).toBe(3)
  expect(computed($.log(100, 5))).toBeCloseTo(2.861353, 6)
  for (const n of [0, -1]) {
    expect(() => computed($.ln('$n'), { n })).toThrow(`$.ln takes a positive number, not ${n}`)
    expect(() => computed($.log10('$n'), { n })).toThrow('positive')
    expect(() => computed($.log('$n', 2), { n })).toThrow('positive')
  }
  for (const n of [0, 1, -2]) expect(() => computed($.log(5, '$n'), { n })).toThrow('base')
})
