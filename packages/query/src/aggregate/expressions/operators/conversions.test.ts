import { expect, test } from 'vitest'
import { command } from '../../../builder/commands.ts'
import { computed } from '../../../testing/computed.ts'

const $ = command.aggregate
const at = new Date('2018-03-27T16:58:51.538Z')
const id = '5ab9cbfa31c2ab715d42129e'

test('[EXPR-28] type is the name of MongoDB; a number is of the smallest type that holds it', () => {
  const named: [unknown, string][] = [
    [1, 'int'],
    [-(2 ** 31), 'int'],
    [2 ** 31, 'long'],
    [2 ** 62, 'long'],
    [2 ** 63, 'double'],
    [1.5, 'double'],
    [Number.NaN, 'double'],
    [Infinity, 'double'],
    [-0, 'double'],
    ['a', 'string'],
    [{ a: 1 }, 'object'],
    [{ type: 'Point', coordinates: [1, 2] }, 'object'],
    [[1], 'array'],
    [true, 'bool'],
    [at, 'date'],
    [null, 'null'],
    [/a/, 'regex'],
    [Uint8Array.of(1), 'binData'],
  ]
  for (const [a, name] of named) expect(computed($.type('$a'), { a })).toBe(name)
  expect(computed($.type('$missing'))).toBe('missing')
})

test('[EXPR-29] of null or nothing a conversion makes null', () => {
  const names = [
    'toBool',
    'toDate',
    'toDecimal',
    'toDouble',
    'toInt',
    'toLong',
    'toObjectId',
    'toString',
  ] as const
  for (const name of names) {
    expect(computed($[name]('$a'), { a: null })).toBe(null)
    expect(computed($[name]('$a'))).toBe(null)
    for (const a of [[1], { a: 1 }, /x/, Uint8Array.of(1)])
      expect(() => computed($[name]('$a'), { a })).toThrow(`$.${name} cannot make`)
  }
})

test('[EXPR-29] toBool: a number that is not 0, and any text or date, is true', () => {
  for (const a of [1, -0.5, Number.NaN, '', 'false', at, true])
    expect(computed($.toBool('$a'), { a })).toBe(true)
  for (const a of [0, -0, false]) expect(computed($.toBool('$a'), { a })).toBe(false)
})

test('[EXPR-29] toInt and toLong cut numbers, read integers, and refuse what is out of range', () => {
  for (const name of ['toInt', 'toLong'] as const) {
    expect(computed($[name](1.9))).toBe(1)
    expect(computed($[name]('$a'), { a: -1.9 })).toBe(-1)
    expect(computed($[name]('-42'))).toBe(-42)
    expect(computed($[name](true))).toBe(1)
    expect(computed($[name]('$a'), { a: -0.5 })).toBe(0)
    for (const text of ['', '1.5', '0x10', ' 1', '1e3', 'abc', '１'])
      expect(() => computed($[name](text))).toThrow(`$.${name} cannot read the integer`)
    for (const number of [Number.NaN, Infinity, 2 ** 63])
      expect(() => computed($[name](number))).toThrow('out of range')
  }
  expect(() => computed($.toInt(2 ** 31))).toThrow('out of range')
  expect(computed($.toInt(-(2 ** 31)))).toBe(-(2 ** 31))
  expect(computed($.toLong(2 ** 31))).toBe(2 ** 31)
  expect(() => computed($.toInt('2147483648'))).toThrow('out of range')
  expect(() => computed($.toInt('$at'), { at })).toThrow('cannot make int of date')
  expect(computed($.toLong('$at'), { at })).toBe(at.getTime())
})

test('[EXPR-29] toDouble and toDecimal read decimal numbers', () => {
  for (const name of ['toDouble', 'toDecimal'] as const) {
    expect(computed($[name]('-5.5'))).toBe(-5.5)
    expect(computed($[name]('1e3'))).toBe(1000)
    expect(computed($[name]('.5'))).toBe(0.5)
    expect(computed($[name](false))).toBe(0)
    expect(computed($[name]('$at'), { at })).toBe(at.getTime())
    for (const text of ['', '1,5', '0x10', ' 1', 'NaN', '1e', '.'])
      expect(() => computed($[name](text))).toThrow('cannot read the number')
    expect(() => computed($[name]('1e999'))).toThrow('out of range')
  }
})

test('[EXPR-29] toDate reads ISO text and milliseconds', () => {
  expect(computed($.toDate('2018-03-27T16:58:51.538Z'))).toEqual(at)
  expect(computed($.toDate('2018-03-27'))).toEqual(new Date('2018-03-27T00:00:00Z'))
  expect(computed($.toDate('$a'), { a: 120000000000.9 })).toEqual(new Date(120000000000))
  expect(computed($.toDate('$at'), { at })).toEqual(at)
  expect(() => computed($.toDate('Friday'))).toThrow('cannot read the date "Friday"')
  expect(() => computed($.toDate(9e15))).toThrow('out of range')
  expect(() => computed($.toDate(Number.NaN))).toThrow('out of range')
  expect(() => computed($.toDate(true))).toThrow('cannot make date of bool')
})

test('[EXPR-29] toObjectId: an id is the text it is', () => {
  expect(computed($.toObjectId(id))).toBe(id)
  for (const text of ['abc', `${id}0`, id.replace('5', 'g')])
    expect(() => computed($.toObjectId(text))).toThrow('24 hexadecimal digits')
  expect(() => computed($.toObjectId(1))).toThrow('cannot make objectId of int')
})

test('[EXPR-29] toString writes numbers, truths and dates', () => {
  expect(computed($.toString(2.5))).toBe('2.5')
  expect(computed($.toString('$a'), { a: 1e21 })).toBe('1e+21')
  expect(computed($.toString('$a'), { a: -0 })).toBe('-0')
  expect(computed($.toString('$a'), { a: Infinity })).toBe('Infinity')
  expect(computed($.toString(true))).toBe('true')
  expect(computed($.toString('$at'), { at })).toBe('2018-03-27T16:58:51.538Z')
  expect(computed($.toString('a'))).toBe('a')
})

test('[EXPR-30] convert takes a type by its name or number, and says what to do instead', () => {
  expect(computed($.convert({ input: '1.5', to: 'double' }))).toBe(1.5)
  expect(computed($.convert({ input: 1.5, to: '$t' }), { t: 16 })).toBe(1)
  expect(computed($.convert({ input: id, to: 7 }))).toBe(id)
  expect(computed($.convert({ input: 0, to: 'bool' }))).toBe(false)
  expect(computed($.convert({ input: 5, to: 'string' }))).toBe('5')
  expect(computed($.convert({ input: 0, to: 9 }))).toEqual(new Date(0))
  expect(computed($.convert({ input: '7', to: 'decimal' }))).toBe(7)
  expect(computed($.convert({ input: '$m', to: 'int', onNull: 'none' }))).toBe('none')
  expect(computed($.convert({ input: null, to: 'int' }))).toBe(null)
  expect(computed($.convert({ input: 1, to: '$missing' }))).toBe(null)
  expect(computed($.convert({ input: 'x', to: 'int', onError: $.concat('$a', '!') }), { a: 'no' })).toBe(
    'no!',
  )
  expect(() => computed($.convert({ input: 'x', to: 'int' }))).toThrow('cannot read the integer "x"')
  for (const to of ['number', 'constructor', 99, ['int']])
    expect(() => computed($.convert({ input: 'x', to, onError: 1 }))).toThrow(
      '$.convert converts to double, string',
    )
  expect(() => computed($.convert({ input: $.divide(1, 0), to: 'int', onError: 1 }))).toThrow(
    'divide by zero',
  )
})
