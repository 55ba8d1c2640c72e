import { expect, test } from 'vitest'
import { command } from '../../../builder/commands.ts'
import { computed } from '../../../testing/computed.ts'

const $ = command.aggregate

test('[EXPR-18] arrayToObject takes pairs or { k, v }, all of one form; the last of equal keys counts', () => {
  expect(
    computed($.arrayToObject('$l'), {
      l: [
        ['a', 1],
        ['b', null],
      ],
    }),
  ).toEqual({ a: 1, b: null })
  expect(
    computed($.arrayToObject('$l'), {
      l: [
        { k: 'a', v: 1 },
        { v: 2, k: 'a' },
      ],
    }),
  ).toEqual({ a: 2 })
  expect(computed($.arrayToObject($.literal([['a', 1]])))).toEqual({ a: 1 })
  expect(computed($.arrayToObject('$l'), { l: [] })).toEqual({})
  for (const l of [
    [['a', 1], { k: 'b', v: 2 }],
    [{ k: 'b', v: 2 }, ['a', 1]],
    [['a']],
    [['a', 1, 2]],
    [{ k: 'a' }],
    [{ k: 'a', v: 1, w: 2 }],
    ['a', 1],
    [[1, 2]],
    [null],
  ])
    expect(() => computed($.arrayToObject('$l'), { l })).toThrow('$.arrayToObject takes')
})

test('[EXPR-18] no key is made that a document cannot have', () => {
  for (const key of ['__proto__', 'constructor', 'prototype', '$set', 'a.b'])
    expect(() => computed($.arrayToObject('$l'), { l: [[key, { polluted: true }]] })).toThrow('cannot make')
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
})

test('[EXPR-18] objectToArray is the way back, in stored order', () => {
  expect(computed($.objectToArray('$o'), { o: { b: 1, a: { c: 2 } } })).toEqual([
    { k: 'b', v: 1 },
    { k: 'a', v: { c: 2 } },
  ])
  expect(computed($.objectToArray('$o'), { o: {} })).toEqual([])
  expect(computed($.objectToArray('$o'), { o: null })).toBe(null)
  expect(computed($.objectToArray('$o'))).toBe(null)
  for (const o of [[1], 'x', new Date(0)])
    expect(() => computed($.objectToArray('$o'), { o })).toThrow('$.objectToArray takes an object')
})

test('[EXPR-18] mergeObjects: the later wins, null and nothing are passed over, a list that stands alone is taken apart', () => {
  const document = { a: { x: 1, y: 1 }, b: { y: 2, z: 2 }, n: null, l: [{ x: 1 }, null, { x: 3 }] }
  expect(computed($.mergeObjects('$a', '$n', '$missing', '$b'), document)).toEqual({ x: 1, y: 2, z: 2 })
  expect(computed($.mergeObjects('$l'), document)).toEqual({ x: 3 })
  expect(computed($.mergeObjects('$a'), document)).toEqual({ x: 1, y: 1 })
  expect(computed($.mergeObjects('$n'), document)).toEqual({})
  expect(() => computed($.mergeObjects('$a', 1), document)).toThrow('$.mergeObjects takes objects, not int')
  expect(() => computed($.mergeObjects('$a', '$l'), document)).toThrow('not array')
})
