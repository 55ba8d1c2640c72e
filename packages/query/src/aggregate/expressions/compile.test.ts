import { Geo, normalise, type Value } from '@nearcloud/protocol'
import { expect, test } from 'vitest'
import { command } from '../../builder/commands.ts'
import { expressionFrom } from '../../builder/expression-from.ts'
import { computed } from '../../testing/computed.ts'
import type { Expression } from '../../types.ts'
import { noVariables } from '../scope.ts'
import { compileExpression, isTrue } from './compile.ts'

const $ = command.aggregate
const compile = (expression: Expression) => compileExpression(expression, noVariables)

test('[EXPR-1] text that begins with $ is a path, with $$ a variable; literal keeps what it is given', () => {
  expect(computed('$a.b', { a: { b: 7 } })).toBe(7)
  expect(computed('$$ROOT.a', { a: 1 })).toBe(1)
  expect(computed('$$CURRENT', { a: 1 })).toEqual({ a: 1 })
  expect(computed('price')).toBe('price')
  expect(computed($.literal('$a'), { a: 1 })).toBe('$a')
  expect(computed($.literal({ a: ['$b'] }))).toEqual({ a: ['$b'] })
  expect(computed(new Date(5))).toEqual(new Date(5))
})

test('[EXPR-2] a path through a list gives a list of what its elements have, without the missing', () => {
  expect(computed('$a.b', { a: [{ b: 1 }, { c: 2 }, 3, { b: null }] })).toEqual([1, null])
  expect(computed('$a.b', { a: [[{ b: 1 }], [2], { b: [3] }] })).toEqual([[3]])
  expect(computed('$a.b.c', { a: [{ b: [{ c: 1 }, { c: 2 }] }, { b: { c: 3 } }] })).toEqual([[1, 2], 3])
  expect(computed('$a.b', { a: [] })).toEqual([])
  expect(computed('$a.b', { a: 5 })).toBeUndefined()
})

test('[EXPR-2] a number in a path is a field, no index', () => {
  expect(computed('$a.0', { a: [1, 2] })).toEqual([])
  expect(computed('$a.0', { a: [{ 0: 'x' }] })).toEqual(['x'])
  expect(computed('$a.0', { a: { 0: 'x' } })).toBe('x')
})

test('[EXPR-3] only own fields of objects are read: nothing of a prototype, a date, bytes, an expression', () => {
  for (const path of ['$toString', '$a.valueOf', '$a.hasOwnProperty'])
    expect(computed(path, { a: {} })).toBeUndefined()
  const typed = { date: new Date(0), bytes: Uint8Array.of(1), pattern: /x/, text: 'abc' }
  for (const path of ['$date.getTime', '$bytes.0', '$bytes.length', '$pattern.pattern', '$text.length'])
    expect(computed(path, typed)).toBeUndefined()
  for (const path of ['__proto__', 'constructor']) expect(compile(['path', path])({ a: 1 })).toBeUndefined()
})

test('[EXPR-4] a geometry is read and made as the object it is written as', () => {
  const at = { type: 'Point', coordinates: [116, 39] }
  expect(computed('$at.coordinates', { at })).toEqual([116, 39])
  expect(computed('$at.type', { at })).toBe('Point')
  expect(computed('$at.longitude', { at })).toBeUndefined()
  const made = computed({ type: 'Point', coordinates: ['$x', '$y'] }, { x: 1, y: 2 })
  expect(made).toBeInstanceOf(Geo)
  expect(made).toMatchObject({ type: 'Point', coordinates: [1, 2] })
  expect(computed($.mergeObjects('$at', { name: 'here' }), { at })).toEqual({ ...at, name: 'here' })
  expect(computed($.mergeObjects({ type: 'Point' }, { coordinates: [1, 2] }))).toBeInstanceOf(Geo)
  expect(computed($.arrayToObject($.objectToArray('$at')), { at })).toBeInstanceOf(Geo)
})

test('[EXPR-5] missing is not null: an object leaves such a field out, a list has null', () => {
  expect(computed('$nothing')).toBeUndefined()
  expect(computed({ a: '$nothing', b: null, c: { d: '$nothing' } })).toEqual({ b: null, c: {} })
  expect(computed(['$nothing', 1])).toEqual([null, 1])
  expect(computed('$$REMOVE')).toBeUndefined()
  expect(computed({ a: $.cond('$hidden', '$$REMOVE', 1) }, { hidden: true })).toEqual({})
})

test('[EXPR-6] whatever is computed is frozen', () => {
  const given = {
    list: ['$a', { b: '$a' }],
    map: $.map({ input: [1], in: ['$$this'] }),
    set: $.setUnion(['$l', [1]]),
    parts: $.dateToParts({ date: new Date(0) }),
    pairs: $.objectToArray({ k: '$a' }),
    zip: $.zip({ inputs: ['$l', '$l'] }),
  }
  const frozen = (value: Value | undefined): boolean =>
    typeof value !== 'object' || value === null
      ? true
      : Object.isFrozen(value) && Object.values(value).every(frozen)
  expect(frozen(computed(given, { a: 1, l: [1, 2] }))).toBe(true)
  expect(frozen(computed('$l.a', { l: [{ a: 1 }] }))).toBe(true)
})

test('[EXPR-7] an unknown operator is refused when it is compiled, whatever it is called', () => {
  for (const name of ['constructor', '__proto__', 'hasOwnProperty', 'valueOf', 'Add', 'facet', 'literal', ''])
    expect(() => compile(['call', name, ['list', []]])).toThrow(
      expect.objectContaining({ code: 'DATABASE_INVALID_OPERATOR' }),
    )
  expect(computed($.toString(12))).toBe('12')
})

test('[EXPR-7] an accumulator of groups, and meta, are refused by name', () => {
  for (const made of [$.push('$a'), $.addToSet('$a'), $.first('$a'), $.last('$a')])
    expect(() => compile(expressionFrom(made))).toThrow(
      /\$\.(push|addToSet|first|last) stands only in a group/,
    )
  expect(() => computed($.meta('textScore'))).toThrow('text search')
  expect(() => computed($.meta('textScore'))).toThrow(expect.objectContaining({ code: 'INVALID_PARAM' }))
})

test('[EXPR-7] the number and the names of arguments are refused in words when they are wrong', () => {
  const refused = (given: unknown, words: string) => {
    expect(() => compile(expressionFrom(given))).toThrow(words)
    expect(() => compile(expressionFrom(given))).toThrow(expect.objectContaining({ code: 'INVALID_PARAM' }))
  }
  refused($.divide(1), '$.divide takes 2 arguments, it was given 1')
  refused($.size([1, 2]), '$.size takes 1 argument, it was given 2')
  refused($.range(1), '$.range takes 2 to 3 arguments, it was given 1')
  refused($.setEquals([[1]]), '$.setEquals takes at least 2 arguments, it was given 1')
  refused($.cond({ if: 1, then: 2 }), '$.cond takes { if, then, else }: "else" is missing')
  refused($.map({ input: [], in: 1, each: 'x' }), '$.map takes { input, in, as? }, no "each"')
  refused($.map(1, 2), '$.map takes { input, in, as? }')
  refused($.dateToString('$a'), '$.dateToString takes { date, format?, timezone?, onNull? }')
})

test('[EXPR-7] a field of an object is a key that a document can have', () => {
  for (const key of ['__proto__', 'constructor', '$a', 'a.b'])
    expect(() => compile(['object', [[key, ['value', 1]]]])).toThrow('a field of an object')
})

test('[EXPR-7] an expression nested too deep is refused, not run out of stack', () => {
  let deep: Expression = ['value', 1]
  for (let i = 0; i < 100_000; i++) deep = i % 2 ? ['list', [deep]] : ['call', 'abs', deep]
  expect(() => compile(deep)).toThrow('nests deeper than 64 levels')
})

test('[EXPR-8] what depends on no document is computed once; what cannot be computed fails for a document, not before', () => {
  const same = compile(expressionFrom({ a: $.add(1, 2), b: $.concat('x', $.toUpper('y')) }))
  expect(same({})).toEqual({ a: 3, b: 'xY' })
  expect(same({})).toBe(same({ other: 1 }))
  const impossible = compile(expressionFrom($.divide(1, 0)))
  expect(() => impossible({})).toThrow(expect.objectContaining({ code: 'DATABASE_REQUEST_FAILED' }))
  expect(computed($.cond(true, 1, $.divide(1, 0)))).toBe(1)
})

test('[EXPR-9] true is everything but false, 0, null and missing', () => {
  for (const value of [false, 0, -0, null, undefined]) expect(isTrue(value)).toBe(false)
  for (const value of ['', [], {}, Number.NaN, new Date(0), 'false'])
    expect(isTrue(normalise(value))).toBe(true)
})
