import { normalise, type Value } from '@nearcloud/protocol'
import { expect, test } from 'vitest'
import { command } from '../../builder/commands.ts'
import { expressionFrom } from '../../builder/expression-from.ts'
import { noVariables } from '../scope.ts'
import { compileAccumulator } from './accumulators.ts'
import { mostElements } from './limits.ts'

const $ = command.aggregate

function gathered(name: string, values: readonly unknown[], given: unknown = '$v'): Value {
  const state = compileAccumulator(name, expressionFrom(given), noVariables)()
  for (const v of values) state.add(normalise({ v }))
  return state.result()
}

test('[EXPR-38] sum, avg and deviations pass over what is no number, lists among it', () => {
  const mixed = [1, 'x', null, undefined, [5], 2]
  expect(gathered('sum', mixed)).toBe(3)
  expect(gathered('sum', [])).toBe(0)
  expect(gathered('sum', [1, 2, 3], 1)).toBe(3)
  expect(gathered('sum', [0.1, 0.2, 0.3])).toBe(0.6)
  expect(gathered('avg', mixed)).toBe(1.5)
  expect(gathered('avg', ['x'])).toBe(null)
  expect(gathered('stdDevPop', [2, 4, 4, 4, 5, 5, 7, 9, 'x'])).toBe(2)
  expect(gathered('stdDevPop', [])).toBe(null)
  expect(gathered('stdDevSamp', [2, 4, 6])).toBe(2)
  expect(gathered('stdDevSamp', [2])).toBe(null)
})

test('[EXPR-38] max and min take lists whole, and pass over null and nothing', () => {
  expect(gathered('max', [3, undefined, [1], null])).toEqual([1])
  expect(gathered('min', [3, undefined, [1], null])).toBe(3)
  expect(gathered('max', [null, undefined])).toBe(null)
})

test('[EXPR-38] first and last take the document at the end, null for one that has nothing', () => {
  expect(gathered('first', [undefined, 1, 2])).toBe(null)
  expect(gathered('first', [false, 1])).toBe(false)
  expect(gathered('last', [1, 2])).toBe(2)
  expect(gathered('last', [1, undefined])).toBe(null)
  expect(gathered('first', [])).toBe(null)
})

test('[EXPR-38] push keeps null and leaves out the missing; addToSet has each value once', () => {
  expect(gathered('push', [1, null, undefined, [2], 1])).toEqual([1, null, [2], 1])
  expect(gathered('push', [1, 2], { n: $.add('$v', 1) })).toEqual([{ n: 2 }, { n: 3 }])
  expect(gathered('addToSet', [1, '1', 1, { a: 1 }, undefined, { a: 1 }, null, -0, 0])).toEqual([
    1,
    '1',
    { a: 1 },
    null,
    -0,
  ])
  expect(Object.isFrozen(gathered('push', [1]))).toBe(true)
})

test('[EXPR-38] mergeObjects merges in the order of the documents', () => {
  expect(gathered('mergeObjects', [{ a: 1, b: 1 }, null, undefined, { b: 2 }])).toEqual({ a: 1, b: 2 })
  expect(gathered('mergeObjects', [])).toEqual({})
  expect(() => gathered('mergeObjects', [[{ a: 1 }]])).toThrow('$.mergeObjects takes objects, not array')
})

test('[EXPR-38] groups do not share what they gather, and go on after a result', () => {
  const start = compileAccumulator('push', expressionFrom('$v'), noVariables)
  const [one, other] = [start(), start()]
  one.add({ v: 1 })
  const before = one.result()
  one.add({ v: 2 })
  expect([before, one.result(), other.result()]).toEqual([[1], [1, 2], []])
})

test('[EXPR-38] an accumulator is one of eleven and takes one expression', () => {
  for (const name of ['constructor', '__proto__', 'count', 'add', ''])
    expect(() => gathered(name, [])).toThrow(expect.objectContaining({ code: 'DATABASE_INVALID_OPERATOR' }))
  expect(() => gathered('sum', [], ['$a', '$b'])).toThrow('$.sum in a group takes one expression')
})

test('[EXPR-39] push and addToSet hold a limited number of values', () => {
  const state = compileAccumulator('push', expressionFrom('$v'), noVariables)()
  for (let i = 0; i < mostElements; i++) state.add({ v: 1 })
  expect(() => state.add({ v: 1 })).toThrow('$.push makes an array of more than 1000000 elements')
})
