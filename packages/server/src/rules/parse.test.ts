import { expect, test } from 'vitest'
import { render } from './expression.ts'
import { parseRule, RuleSyntaxError } from './parse.ts'

const variables = ['auth', 'doc', 'request', 'now'] as const
const parse = (text: string) => parseRule(text, variables)

test('[RULE-1] the language: literals, variables, fields, comparison, logic, in, sums', () => {
  const rules: [text: string, meaning?: string][] = [
    ['true'],
    ['false'],
    ['doc._openid == auth.openid'],
    ['doc.a.b[0] == "x"'],
    [`doc['a-b'] == 'x'`, 'doc["a-b"] == "x"'],
    ['auth != null'],
    ['auth.openid in doc.members'],
    ['doc.status in ["a", "b"]'],
    ['doc.a > 1 && doc.a <= -5', 'doc.a > 1 && doc.a <= -5'.replaceAll(/(doc\.a [<>=]+ -?\d)/g, '($1)')],
    ['!(doc.a || now < 5)', '!(doc.a || (now < 5))'],
    ['request.data.n == doc.n + 1', 'request.data.n == (doc.n + 1)'],
    ['doc.members[auth.openid] == true'],
    ['undefined != doc.a', 'doc.a != null'],
    ['( ( true ) )', 'true'],
    ['\n\ttrue\n', 'true'],
    ['d\\u006fc.a', 'doc.a'],
  ]
  for (const [text, meaning] of rules) expect(render(parse(text)), text).toBe(meaning ?? text)
})

test('[RULE-2] what is not in the language is refused with its place', () => {
  const hostile = [
    'this',
    'this.constructor',
    'doc.constructor',
    'doc["constructor"]',
    'doc.__proto__.polluted',
    `doc['__proto__']`,
    'doc.a.prototype',
    'auth.constructor',
    'constructor',
    '__proto__',
    'globalThis',
    'process.env',
    'require("fs")',
    'import("fs")',
    'import.meta',
    'eval("1")',
    'doc.a()',
    'doc.a.toString()',
    '(() => true)()',
    '() => true',
    'x => x',
    'function () {}',
    'async () => true',
    'class {}',
    'new Date()',
    'new.target',
    'doc.a = 1',
    'doc.a += 1',
    'doc.a++',
    '--doc.a',
    'delete doc.a',
    'typeof doc',
    'void 0',
    'doc, true',
    'doc.a ? true : false',
    'doc?.a',
    'doc.a ?? true',
    '`text`',
    '`$' + '{doc.a}`',
    'doc.a`x`',
    '/a+/',
    '/(a+)+$/ == doc.a',
    '[...doc.a]',
    '[,1] == doc.a',
    '{}',
    '({})',
    '({ a: 1 }) == doc',
    '1n == doc.a',
    '1e999 > doc.a',
    'NaN',
    'Infinity',
    'doc.a === 1',
    'doc.a !== 1',
    'doc.a - 1 == 0',
    '2 ** 9 == doc.a',
    'doc.a & 1',
    'doc.a << 1',
    'doc instanceof doc',
    '~doc.a',
    '+doc.a',
    '-doc.a == 1',
    'doc.#a',
    '#a in doc',
    'yield 1',
    'await 1',
    'super.a',
    'true; false',
    'true false',
    'true)',
    '(true',
    'true // yes',
    '/* yes */ true',
    'true <!-- yes',
    '',
    '   ',
    'auth[doc.a] == 1',
    'auth["openid"][doc',
    'user.openid == 1',
    'resource.path == "a"',
    '"unclosed',
    '\u0000',
    'true\u2028false',
    'doc.a == "\\u{110000}"',
  ]
  for (const text of hostile) expect(() => parse(text), text).toThrow(RuleSyntaxError)
  expect(() => parse('doc.a && this.b')).toThrow('"this" is not part of the rule language (at character 10)')
  expect(() => parse('user.a == 1')).toThrow('"user" is unknown: there are auth, doc, request, now')
})

test('[RULE-3] get() is said to be missing, not taken for false', () => {
  expect(() => parse("get('database.users.1').admin == true")).toThrow('is not supported yet')
})

test('[RULE-4] length, parts and depth are limited', () => {
  const padded = (length: number) => `true${' '.repeat(length - 4)}`
  parse(padded(1_024))
  expect(() => parse(padded(1_025))).toThrow('longer than 1024 characters')
  expect(() => parse(Array(200).fill('1').join('<'))).toThrow(/nested deeper|more than/)
  expect(() => parse(`[${Array(300).fill('1').join(',')}]`)).toThrow('more than 256 parts')
  for (const open of ['(', '[', '!', 'doc[', '-'])
    expect(() => parse(open.repeat(250)), open).toThrow(RuleSyntaxError)
  for (const [open, close] of ['()', '[]'])
    expect(() => parse(open!.repeat(500) + close!.repeat(500))).toThrow(RuleSyntaxError)
  expect(() => parse(`${'!'.repeat(1_000)}true`)).toThrow('nested deeper than 32')
  expect(() => parse(`doc${'.a'.repeat(500)}`)).toThrow('nested deeper than 32')
})
