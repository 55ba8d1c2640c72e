import { expect, test } from 'vitest'
import { command } from '../../../builder/commands.ts'
import { computed } from '../../../testing/computed.ts'

const $ = command.aggregate

test('[EXPR-20] let binds variables that do not see each other; an inner one hides an outer one', () => {
  const total = $.let({
    vars: { price: '$price', less: $.cond('$member', 0.9, 1) },
    in: $.multiply('$$price', '$$less'),
  })
  expect(computed(total, { price: 10, member: true })).toBe(9)
  const hidden = $.let({
    vars: { a: 1, b: 2 },
    in: [$.let({ vars: { a: $.add('$$a', 10), b: '$$a' }, in: ['$$a', '$$b'] }), '$$a', '$$b'],
  })
  expect(computed(hidden)).toEqual([[11, 1], 1, 2])
  expect(computed($.let({ vars: { o: '$o' }, in: '$$o.a.b' }), { o: [{ a: { b: 1 } }] })).toEqual([1])
  expect(computed($.let({ vars: { m: '$missing' }, in: { x: '$$m' } }))).toEqual({})
  expect(computed($.let({ vars: {}, in: '$a' }), { a: 1 })).toBe(1)
})

test('[EXPR-20] a variable that nothing binds is refused when compiled', () => {
  const unbound = [
    '$$nobody',
    '$$this',
    $.let({ vars: { a: 1, b: '$$a' }, in: 1 }),
    $.add($.let({ vars: { a: 1 }, in: '$$a' }), '$$a'),
    $.map({ input: '$l', as: 'item', in: '$$this' }),
    $.reduce({ input: '$l', initialValue: '$$value', in: 1 }),
    '$$constructor',
    '$$NOW',
  ]
  for (const given of unbound) {
    expect(() => computed(given)).toThrow('is bound by nothing around it')
    expect(() => computed(given)).toThrow(expect.objectContaining({ code: 'INVALID_PARAM' }))
  }
})

test('[EXPR-20] a name has letters, digits and _, and begins with a small letter', () => {
  for (const name of ['Total', '_a', '1a', 'a-b', 'ROOT', 'CURRENT', 'a b', '']) {
    expect(() => computed($.let({ vars: { [name]: 1 }, in: 1 }))).toThrow('begins with a small letter')
    expect(() => computed($.map({ input: [], as: name, in: 1 }))).toThrow('begins with a small letter')
  }
  expect(() => computed($.filter({ input: [], as: $.concat('a'), cond: 1 }))).toThrow(
    'cannot bind the variable',
  )
  expect(() => computed($.let({ vars: '$vars', in: 1 }))).toThrow('an object of variables')
})

test('[EXPR-21] map makes a list of what it makes of each element, null for nothing', () => {
  const l = [{ p: 1 }, { p: 2 }, {}]
  expect(
    computed($.map({ input: '$l', as: 'item', in: $.add('$$item.p', '$more') }), { l, more: 1 }),
  ).toEqual([2, 3, null])
  expect(computed($.map({ input: '$l', in: '$$this.p' }), { l })).toEqual([1, 2, null])
  expect(computed($.map({ input: [], in: 1 }))).toEqual([])
  const inner = $.map({ input: '$$row', as: 'cell', in: $.multiply('$$cell', $.size('$$row')) })
  expect(computed($.map({ input: '$m', as: 'row', in: inner }), { m: [[1, 2], [3]] })).toEqual([[2, 4], [3]])
})

test('[EXPR-21] filter keeps the elements for which its condition is true', () => {
  const cond = $.gte('$$item.price', 10)
  expect(
    computed($.filter({ input: '$items', as: 'item', cond }), { items: [{ price: 10 }, { price: 9 }, {}] }),
  ).toEqual([{ price: 10 }])
  expect(computed($.filter({ input: '$l', cond: '$$this' }), { l: [0, 1, null, '', false] })).toEqual([1, ''])
})

test('[EXPR-21] reduce goes through a list with what came of the elements before', () => {
  expect(
    computed($.reduce({ input: '$l', initialValue: '', in: $.concat('$$value', '$$this') }), {
      l: ['a', 'b', 'c'],
    }),
  ).toBe('abc')
  const both = { sum: $.add('$$value.sum', '$$this'), product: $.multiply('$$value.product', '$$this') }
  expect(computed($.reduce({ input: [1, 2, 3, 4], initialValue: { sum: 5, product: 2 }, in: both }))).toEqual(
    {
      sum: 15,
      product: 48,
    },
  )
  expect(computed($.reduce({ input: [], initialValue: '$a', in: 1 }), { a: 7 })).toBe(7)
  const flat = $.reduce({ input: '$l', initialValue: [], in: $.concatArrays('$$value', '$$this') })
  expect(computed(flat, { l: [[1, 2], [], [3]] })).toEqual([1, 2, 3])
})
