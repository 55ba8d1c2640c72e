import { expect, test } from 'vitest'
import { command } from '../../../builder/commands.ts'
import { computed } from '../../../testing/computed.ts'

const $ = command.aggregate
const word = 'aé汉😀z' // 1, 2, 3, 4 and 1 bytes

test('[EXPR-23] concat joins text; one null or nothing makes it null', () => {
  expect(computed($.concat('$first', ' ', '$last'), { first: 'Li', last: 'Lei' })).toBe('Li Lei')
  expect(computed($.concat([]))).toBe('')
  expect(computed($.concat('a', '$missing'))).toBe(null)
  expect(computed($.concat('a', null, 1))).toBe(null)
  expect(() => computed($.concat('a', 1))).toThrow('$.concat takes text, not int')
})

test('[EXPR-23] split parts text at each separator', () => {
  expect(computed($.split('$t', '-'), { t: 'a-b--c' })).toEqual(['a', 'b', '', 'c'])
  expect(computed($.split('$t', '-'), { t: '' })).toEqual([''])
  expect(computed($.split('$t', '汉字'), { t: '一汉字二' })).toEqual(['一', '二'])
  expect(computed($.split('$t', '-'))).toBe(null)
  expect(computed($.split('a', '$t'), { t: null })).toBe(null)
  expect(() => computed($.split('a', ''))).toThrow('a separator that is not empty')
  expect(() => computed($.split('a', 1))).toThrow('$.split takes text, not int')
})

test('[EXPR-23] length is counted in bytes of UTF-8, or in code points', () => {
  expect(computed($.strLenBytes('$word'), { word })).toBe(11)
  expect(computed($.strLenCP('$word'), { word })).toBe(5)
  expect(computed($.strLenBytes(''))).toBe(0)
  for (const value of [null, 1, ['a']]) {
    expect(() => computed($.strLenBytes('$a'), { a: value })).toThrow('$.strLenBytes takes text')
    expect(() => computed($.strLenCP('$a'), { a: value })).toThrow('$.strLenCP takes text')
  }
})

test('[EXPR-24] a part by bytes splits no character', () => {
  expect(computed($.substrBytes('$word', 0, 3), { word })).toBe('aé')
  expect(computed($.substrBytes('$word', 3, 7), { word })).toBe('汉😀')
  expect(computed($.substr('$word', 6, -1), { word })).toBe('😀z')
  expect(computed($.substr('$word', 10, 99), { word })).toBe('z')
  expect(computed($.substr('$word', 11, 1), { word })).toBe('')
  expect(computed($.substr('$word', 99, 1), { word })).toBe('')
  expect(computed($.substr('$word', -1, 1), { word })).toBe('')
  expect(computed($.substr('$word', 0, 0), { word })).toBe('')
  for (const [start, length] of [
    [2, 1],
    [5, 1],
    [7, -1],
  ])
    expect(() => computed($.substrBytes('$word', start, length), { word })).toThrow(
      'begin within a character',
    )
  for (const length of [2, 4, 5, 8])
    expect(() => computed($.substrBytes('$word', 0, length), { word })).toThrow('end within a character')
})

test('[EXPR-24] a part by code points', () => {
  expect(computed($.substrCP('$word', 1, 3), { word })).toBe('é汉😀')
  expect(computed($.substrCP('$word', 4, 9), { word })).toBe('z')
  expect(computed($.substrCP('$word', 9, 1), { word })).toBe('')
  expect(computed($.substrCP('$word', 1.9, 1), { word })).toBe('é')
  for (const [start, length] of [
    [-1, 1],
    [0, -1],
  ])
    expect(() => computed($.substrCP('$word', start, length), { word })).toThrow('not negative')
})

test('[EXPR-24] what is no text is written as text first: null as nothing, numbers in digits, dates in ISO form', () => {
  expect(computed($.substrBytes('$missing', 0, 2))).toBe('')
  expect(computed($.substrCP(null, 0, 2))).toBe('')
  expect(computed($.substr(12345, 1, 2))).toBe('23')
  expect(computed($.substr(new Date(0), 0, 10))).toBe('1970-01-01')
  expect(() => computed($.substr(true, 0, 1))).toThrow('$.substr takes text, not bool')
  expect(() => computed($.substr('a', 'x', 1))).toThrow('a number as start, not string')
  expect(() => computed($.substr('a', 0, null))).toThrow('a number as length, not null')
})

test('[EXPR-25] indexOfBytes and indexOfCP count as their names say', () => {
  expect(computed($.indexOfBytes('$word', '😀'), { word })).toBe(6)
  expect(computed($.indexOfCP('$word', '😀'), { word })).toBe(3)
  expect(computed($.indexOfBytes('$word', 'x'), { word })).toBe(-1)
  expect(computed($.indexOfCP('$missing', 'x'))).toBe(null)
  expect(computed($.indexOfCP('abcabc', 'b', 2))).toBe(4)
  expect(computed($.indexOfCP('abcabc', 'bc', 0, 2))).toBe(-1)
  expect(computed($.indexOfCP('abcabc', 'bc', 0, 3))).toBe(1)
  expect(computed($.indexOfBytes('$word', '汉', 1, 6), { word })).toBe(3)
  expect(computed($.indexOfBytes('$word', '汉', 1, 5), { word })).toBe(-1)
  expect(computed($.indexOfBytes('$word', 'z', 7), { word })).toBe(10)
  expect(computed($.indexOfBytes('$word', 'z', 0, 10), { word })).toBe(-1)
  expect(computed($.indexOfBytes('$word', 'z', 0, 11), { word })).toBe(10)
  expect(computed($.indexOfCP('abc', 'c', 4))).toBe(-1)
  expect(computed($.indexOfCP('abc', '', 3))).toBe(3)
  expect(computed($.indexOfCP('abc', 'a', 2, 1))).toBe(-1)
})

test('[EXPR-25] what is sought is text, and where to seek is not negative', () => {
  for (const name of ['indexOfBytes', 'indexOfCP'] as const) {
    expect(() => computed($[name](1, 'a'))).toThrow(`$.${name} takes text, not int`)
    expect(() => computed($[name]('a', null))).toThrow(`$.${name} takes text, not null`)
    expect(() => computed($[name]('a', 'a', -1))).toThrow('a start that is not negative')
    expect(() => computed($[name]('a', 'a', 0, 1.5))).toThrow('an integer as end, not 1.5')
  }
})

test('[EXPR-26] upper and lower case are those of ASCII', () => {
  expect(computed($.toUpper('$t'), { t: 'abc éß 汉' })).toBe('ABC éß 汉')
  expect(computed($.toLower('$t'), { t: 'ABC É' })).toBe('abc É')
  expect(computed($.toUpper(null))).toBe('')
  expect(computed($.toLower('$missing'))).toBe('')
  expect(computed($.toLower(12.5))).toBe('12.5')
  expect(() => computed($.toLower([[1]]))).toThrow('$.toLower takes text, not array')
})

test('[EXPR-26] strcasecmp compares without case', () => {
  expect(computed($.strcasecmp('$a', '$b'), { a: 'Hello', b: 'hELLO' })).toBe(0)
  expect(computed($.strcasecmp('a', 'B'))).toBe(-1)
  expect(computed($.strcasecmp('b', 'A'))).toBe(1)
  expect(computed($.strcasecmp('a', '$missing'))).toBe(1)
  expect(computed($.strcasecmp(null, '$missing'))).toBe(0)
  expect(computed($.strcasecmp(10, '9'))).toBe(-1)
})

test('[EXPR-27] trim takes white space or the characters named from the ends', () => {
  const t = '\n \u00a0汉字 x\t\0'
  expect(computed($.trim({ input: '$t' }), { t })).toBe('汉字 x')
  expect(computed($.ltrim({ input: '$t' }), { t })).toBe('汉字 x\t\0')
  expect(computed($.rtrim({ input: '$t' }), { t })).toBe('\n \u00a0汉字 x')
  expect(computed($.trim({ input: 'xyabcyx', chars: 'xy' }))).toBe('abc')
  expect(computed($.trim({ input: '😀a😁😀', chars: '$c' }), { c: '😀' })).toBe('a😁')
  expect(computed($.rtrim({ input: 'a\u{1f600}', chars: '\u{1f601}' }))).toBe('a\u{1f600}')
  expect(computed($.trim({ input: '   ' }))).toBe('')
  expect(computed($.trim({ input: ' a ', chars: '' }))).toBe(' a ')
  expect(computed($.trim({ input: '$missing' }))).toBe(null)
  expect(computed($.trim({ input: 'a', chars: '$missing' }))).toBe(null)
  expect(() => computed($.trim({ input: 1 }))).toThrow('$.trim takes text, not int')
  expect(() => computed($.trim({ input: 'a', chars: 1 }))).toThrow('$.trim takes text, not int')
  expect(() => computed($.trim(' a '))).toThrow('$.trim takes { input, chars? }')
})
