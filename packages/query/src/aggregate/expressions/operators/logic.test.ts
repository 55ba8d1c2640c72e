import { expect, test } from 'vitest'
import { command } from '../../../builder/commands.ts'
import { computed } from '../../../testing/computed.ts'

const $ = command.aggregate
const failing = $.divide(1, '$zero')

test('[EXPR-9] and, or, not: of truths, as many as there are', () => {
  expect(computed($.and(1, '', []))).toBe(true)
  expect(computed($.and([1, '$missing']))).toBe(false)
  expect(computed($.and([]))).toBe(true)
  expect(computed($.or([]))).toBe(false)
  expect(computed($.or(null, 0, '$a'), { a: 'x' })).toBe(true)
  expect(computed($.and('$a'), { a: 0 })).toBe(false)
  expect(computed($.not('$missing'))).toBe(true)
  expect(computed($.not(['$a']), { a: [] })).toBe(false)
})

test('[EXPR-10] what cannot matter any more is not computed', () => {
  expect(computed($.and('$f', failing), { f: false, zero: 0 })).toBe(false)
  expect(computed($.or('$t', failing), { t: 1, zero: 0 })).toBe(true)
  expect(computed($.cond('$t', 1, failing), { t: 1, zero: 0 })).toBe(1)
  expect(computed($.ifNull('$t', failing), { t: 1, zero: 0 })).toBe(1)
  expect(
    computed($.switch({ branches: [{ case: '$t', then: 1 }], default: failing }), { t: 1, zero: 0 }),
  ).toBe(1)
  expect(computed($.concat('$null', failing), { null: null, zero: 0 })).toBe(null)
})

test('[EXPR-10] cond chooses one of two, by name or by place', () => {
  const named = $.cond({ if: $.gte('$score', 60), then: 'pass', else: 'fail' })
  expect(computed(named, { score: 60 })).toBe('pass')
  expect(computed(named, { score: 59 })).toBe('fail')
  expect(computed($.cond([$.gte('$score', 60), 'pass', '$missing']), { score: 1 })).toBeUndefined()
  expect(computed($.cond('$missing', 1, 2))).toBe(2)
  expect(computed($.cond('', 1, 2))).toBe(1)
})

test('[EXPR-10] ifNull stands in for null and for nothing', () => {
  expect(computed($.ifNull('$a', 'none'), { a: null })).toBe('none')
  expect(computed($.ifNull('$a', 'none'))).toBe('none')
  expect(computed($.ifNull('$a', 'none'), { a: 0 })).toBe(0)
  expect(computed($.ifNull('$a', '$b'))).toBeUndefined()
})

test('[EXPR-10] switch takes the first branch that is true, else its default, else fails', () => {
  const branches = [
    { case: $.eq('$n', 1), then: 'one' },
    { case: $.gt('$n', 0), then: 'more' },
  ]
  expect(computed($.switch({ branches, default: 'none' }), { n: 1 })).toBe('one')
  expect(computed($.switch({ branches, default: 'none' }), { n: 2 })).toBe('more')
  expect(computed($.switch({ branches, default: 'none' }), { n: 0 })).toBe('none')
  expect(() => computed($.switch({ branches }), { n: 0 })).toThrow('$.switch has no branch')
  expect(() => computed($.switch({ branches: [] }))).toThrow('at least one')
  expect(() => computed($.switch({ branches: [{ case: 1 }] }))).toThrow('"then" is missing')
  expect(() => computed($.switch({ branches: '$branches' }))).toThrow('a list of { case, then }')
})
