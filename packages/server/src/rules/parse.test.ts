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
    ['`text`', '"text"'],
    ['doc.key == `a-$' + '{auth.openid}-$' + '{doc.n}`', 'doc.key == ((("a-" + auth.openid) + "-") + doc.n)'],
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

test('[RULE-3] get() reads one document, and counts those that match', () => {
  const rules: [text: string, meaning?: string][] = [
    ["get('database.users.u1').admin == true"],
    ["get('database.users.' + doc.owner) == null"],
    [
      `get(\`database.users.\${doc.owner}\`).role == "admin"`,
      `get('database.users.' + doc.owner).role == "admin"`,
    ],
    [`get(\`database.rooms.\${doc.a}-\${doc.b}\`).open`, `get('database.rooms.' + doc.a + "-" + doc.b).open`],
    ["get('database.rooms.r' + doc.n + 1).open", `get('database.rooms.r' + doc.n + 1).open`],
    ["get('database.collection.roles').admin == true"],
    ["get('database.users.' + get('database.rooms.' + doc.room).owner).vip == true"],
    ['get(\'database.collection.roles\').where({ role: "admin" }).size() > 0'],
    ["get('database.collection.roles').where({'user.id': auth.openid, n: null}).size() == 0"],
    ["auth.openid in get('database.rooms.' + doc.room).members"],
  ]
  for (const [text, meaning] of rules) {
    const told = render(parse(text))
    if (meaning) expect(told, text).toBe(meaning)
    expect(render(parse(told)), text).toBe(told)
  }
})

test('[RULE-3] the rules of the guide are understood to the letter', () => {
  const guide = [
    "auth.openid != null && ((doc._openid == auth.openid) || (get('database.collection.roles').where({_openid: auth.openid, role: 'admin'}).size() > 0))",
    "auth.openid != null && get('database.collection.roles').where({_openid: auth.openid, role: 'admin'}).size() > 0",
  ]
  for (const text of guide) parse(text)
})

test('[RULE-19] what get() is not made for is refused with what to write instead', () => {
  const refused: [text: string, words: string][] = [
    ['get()', 'needs the collection written out'],
    ['get(1)', 'needs the collection written out'],
    ['get(doc.path)', 'needs the collection written out'],
    ["get('users.u1')", 'needs the collection written out'],
    ["get('database.users')", 'needs the collection written out'],
    ["get('database.' + doc.c + '.u1')", 'needs the collection written out'],
    ["get('database.users' + doc.id)", 'needs the collection written out'],
    ["get(doc.a + 'database.users.u1')", 'needs the collection written out'],
    ["get(1 + 'database.users.u1')", 'needs the collection written out'],
    ["get('database.users.u1', 1)", 'needs the collection written out'],
    ["get(...['database.users.u1'])", 'needs the collection written out'],
    ["get?.('database.users.u1')", 'not part of the rule language'],
    ["get('database._files.f1')", 'the server’s own'],
    ["get('database.collection._indexes').where({ a: 1 }).size() > 0", 'the server’s own'],
    ["get('database.a b.u1')", 'names no collection'],
    ["get('database.__proto__.u1')", 'the server’s own'],
    ["get('database.constructor.u1')", 'names no collection'],
    ["get('database.collection.roles').where({ a: 1 })", 'needs .size() behind it'],
    ["get('database.collection.roles').where({ a: 1 }).count() > 0", 'not part of the rule language'],
    ["get('database.collection.roles').where({ a: 1 }).size(1) > 0", 'takes nothing in size()'],
    ["get('database.collection.roles').size() > 0", 'not part of the rule language'],
    ["get('database.collection.roles').where({ a: 1 }).where({ b: 1 }).size() > 0", 'not part of'],
    ["get('database.collection.roles')['where']({ a: 1 }).size() > 0", 'not part of the rule language'],
    ["get('database.collection.roles').where().size() > 0", 'needs an object'],
    ["get('database.collection.roles').where({}).size() > 0", 'names no field'],
    ["get('database.collection.roles').where('a').size() > 0", 'needs an object'],
    ["get('database.collection.roles').where({ a: 1 }, {}).size() > 0", 'needs an object'],
    ["get('database.collection.roles').where({ ...doc }).size() > 0", 'no field of where()'],
    ["get('database.collection.roles').where({ a() {} }).size() > 0", 'no field of where()'],
    ["get('database.collection.roles').where({ get a() {} }).size() > 0", 'no field of where()'],
    ["get('database.collection.roles').where({ [doc.a]: 1 }).size() > 0", 'field: value'],
    ["get('database.collection.roles').where({ auth }).size() > 0", 'field: value'],
    ["get('database.collection.roles').where({ a: undefined }).size() > 0", 'looks for nothing'],
    ["get('database.collection.roles').where({ a: 1, a: 2 }).size() > 0", 'names no field'],
    ["get('database.collection.roles').where({ __proto__: 1 }).size() > 0", 'names no field'],
    ["get('database.collection.roles').where({ 'a.constructor': 1 }).size() > 0", 'names no field'],
    ["get('database.collection.roles').where({ $where: 1 }).size() > 0", 'names no field'],
    ["get('database.collection.roles').where({ a: { $gt: 1 } }).size() > 0", 'not part of the rule'],
    ["get('database.roles.x').where({ a: 1 }).size() > 0", 'looks in no collection'],
    ["get('database.collection.' + doc.a).where({ a: 1 }).size() > 0", 'looks in no collection'],
    ["doc.get('database.users.u1')", 'not part of the rule language'],
    ["size('a')", 'not part of the rule language'],
    ["get('database.users.u1').constructor", 'is no field'],
    ["get('database.users.u1').toString()", 'not part of the rule language'],
  ]
  for (const [text, words] of refused) expect(() => parse(text), text).toThrow(words)
  const once = "get('database.a.b')"
  parse(Array(3).fill(once).join(' == '))
  expect(() => parse(Array(4).fill(once).join(' == '))).toThrow('at most 3 documents')
  const nested = (inner: string) => `get('database.a.' + ${inner})`
  parse(nested(once))
  expect(() => parse(nested(nested(once)))).toThrow('nested too deep')
  for (const place of [
    ['auth', 'resource', 'now'],
    ['auth', 'now'],
  ] as const)
    expect(() => parseRule(once, place)).toThrow('only rules of collections read other documents')
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
