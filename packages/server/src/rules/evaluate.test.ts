import { type Document, GeoPoint, normalise, RegExpValue, type Value } from '@nearcloud/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compile, compileRule, RuleEvaluationError, type Scope } from './evaluate.ts'
import { parseRule } from './parse.ts'

const variables = ['auth', 'doc', 'request', 'now'] as const
const user = { openid: 'ann', uid: 'ann', loginType: 'ANONYMOUS' }

function isTrue(text: string, scope: Partial<Scope> & { doc?: unknown } = {}): boolean {
  const doc = normalise(scope.doc ?? {})
  return compileRule(parseRule(text, variables))({ auth: user, now: 1_000, ...scope, doc })
}

test('[RULE-5] equality is strict on type, null equals undefined, and objects are equal by content', () => {
  const doc = { n: 1, text: '1', none: null, list: [1, { a: 2 }], object: { a: [1] }, yes: true }
  const equal = [
    'doc.n == 1',
    'doc.text == "1"',
    'doc.none == null',
    'doc.none == undefined',
    'doc.missing == null',
    'doc.missing == doc.none',
    'null == undefined',
    'doc.list[1].a == 2',
    'doc.object.a == [1]',
    'doc.yes == true',
  ]
  const unequal = [
    'doc.n == "1"',
    'doc.text == 1',
    'doc.none == false',
    'doc.none == 0',
    'doc.missing == ""',
    'doc.yes == 1',
    'doc.list == 1',
    'doc.object == "[object Object]"',
    'doc.list == doc.object',
  ]
  for (const text of equal) {
    expect(isTrue(text, { doc }), text).toBe(true)
    expect(isTrue(text.replace('==', '!='), { doc }), text).toBe(false)
  }
  for (const text of unequal) {
    expect(isTrue(text, { doc }), text).toBe(false)
    expect(isTrue(text.replace('==', '!='), { doc }), text).toBe(true)
  }
})

test('[RULE-6] order is among numbers and among texts; a date is its milliseconds', () => {
  const doc = { n: 5, text: 'm', at: new Date(2_000), none: null, nan: Number.NaN }
  for (const text of [
    'doc.n > 4 && doc.n >= 5 && doc.n < 6 && doc.n <= 5',
    'doc.text > "a" && doc.text < "z"',
    'doc.at > now',
    'doc.at == 2000',
    '"\uffee" < "\u{1f600}"',
  ])
    expect(isTrue(text, { doc }), text).toBe(true)
  for (const text of [
    'doc.n > "4"',
    'doc.text > 4',
    'doc.none < 1',
    'doc.none >= null',
    'doc.missing < 1',
    'doc.nan < 1',
    'doc.nan >= 1',
    'doc.nan == doc.nan && doc.nan > 0',
    'true > false',
    '[2] > 1',
  ])
    expect(isTrue(text, { doc }), text).toBe(false)
})

test('[RULE-6] each comparison says where its bound is, of numbers and of texts', () => {
  const [below, at, above] = [-1, 0, 1]
  const holds = {
    '<': [below],
    '<=': [below, at],
    '>': [above],
    '>=': [at, above],
    '==': [at],
    '!=': [below, above],
  }
  for (const [operator, places] of Object.entries(holds))
    for (const place of [below, at, above]) {
      const doc = { n: 5 + place, text: ['a', 'm', 'z'][place + 1]!, longer: ['a', 'ab', 'abc'][place + 1]! }
      for (const text of [`doc.n ${operator} 5`, `doc.text ${operator} "m"`, `doc.longer ${operator} "ab"`])
        expect(isTrue(text, { doc }), `${text} of ${JSON.stringify(doc)}`).toBe(places.includes(place))
    }
})

test('[RULE-7] an element is reached by its index alone, a field by its name, and by nothing else', () => {
  const doc = { list: ['a', 'b', 'c'], '0': 'zero', n: 1, object: { '1': 'one', true: 'yes', null: 'no' } }
  for (const [key, found] of [
    [0, 'a'],
    [2, 'c'],
    ['1', 'b'],
    [3, null],
    [-1, null],
    [0.5, null],
    ['01', null],
    ['1.0', null],
    [' 1', null],
    ['1 ', null],
    ['', null],
    [1_000_000_000, null],
    [true, null],
    [null, null],
    [[0], null],
    [{}, null],
  ] as const)
    expect(
      isTrue('doc.list[request.key] == request.found', { doc, request: { key, found } }),
      String(key),
    ).toBe(true)
  expect(isTrue('doc[0] == "zero" && doc["0"] == "zero" && doc.object[doc.n] == "one"', { doc })).toBe(true)
  for (const key of [true, null, ['1']])
    expect(isTrue('doc.object[request.key] == null', { doc, request: { key } }), String(key)).toBe(true)
})

test('[RULE-7] what is read of a date is its milliseconds, in a list and in an object', () => {
  const doc = { at: new Date(7), list: [new Date(7)], object: { at: new Date(7) } }
  for (const text of ['doc.at', 'doc.list[0]', 'doc.object.at'])
    expect(isTrue(`${text} == 7 && ${text} + 1 == 8 && ${text}.x == null`, { doc }), text).toBe(true)
})

test('[RULE-7] a field of nothing is undefined, all the way down', () => {
  for (const text of [
    'doc.a.b.c == null',
    'doc.n.a == null',
    'doc.text.length == null',
    'doc.list.length == null',
  ])
    expect(isTrue(text, { doc: { n: 1, text: 'abc', list: [1] } }), text).toBe(true)
})

test('[RULE-8] only own data is reached: never a prototype, whatever the key', () => {
  const keys = [
    '__proto__',
    'constructor',
    'prototype',
    'toString',
    'valueOf',
    'hasOwnProperty',
    '__defineGetter__',
    '__lookupGetter__',
    'isPrototypeOf',
    'then',
    'length',
    'map',
    'at',
    'toJSON',
    'pattern',
    'byteLength',
    'getTime',
    'size',
    'name',
    'caller',
    'arguments',
  ]
  const doc = {
    object: {},
    list: [1],
    text: 'abc',
    at: new Date(0),
    bytes: new Uint8Array(3),
    expression: new RegExpValue('a'),
  }
  for (const key of keys)
    for (const field of [...Object.keys(doc), 'missing'])
      for (const path of [`doc.${field}[request.key]`, `doc.${field}[request.key].name`])
        expect(isTrue(`${path} == null`, { doc, request: { key } }), `${path} ${key}`).toBe(true)
  expect(isTrue('doc[request.key] == null', { doc, request: { key: 'constructor' } })).toBe(true)
})

test('[RULE-9] a stranger and a claim that is not there equal nobody, not even a document without owner', () => {
  for (const auth of [null, user])
    for (const text of [
      'auth.unionid == doc.unionid',
      'doc.unionid == auth.unionid',
      'auth.unionid in doc.list',
      'auth.unionid in [doc.unionid, null]',
      'auth.custom.role == doc.role',
      'auth.unionid == auth.custom',
      '[auth.unionid] == [doc.unionid]',
      '[auth.unionid] == [auth.unionid]',
      '[1, [auth.unionid]] == [1, [auth.custom]]',
      '[auth.unionid] == doc.strange',
      'doc.strange == [auth.unionid]',
    ])
      expect(isTrue(text, { auth, doc: { list: [null, ''], strange: [Number.NaN] } }), text).toBe(false)
  expect(isTrue('auth.openid == doc._openid', { auth: null })).toBe(false)
  expect(isTrue('auth == null', { auth: null })).toBe(true)
  expect(isTrue('auth.openid == null', { auth: null })).toBe(true)
  expect(isTrue('auth != null && auth.openid == auth.uid && auth.loginType == "ANONYMOUS"')).toBe(true)
  expect(isTrue('auth.constructor_ == null && auth.toString == null')).toBe(true)
})

test('[RULE-10] in looks into lists only', () => {
  const doc = { list: ['ann', 3, null, new Date(5)], object: { ann: true }, text: 'ann' }
  for (const text of [
    'auth.openid in doc.list',
    '3 in doc.list',
    'null in doc.list',
    '5 in doc.list',
    '1 in [2, 1]',
  ])
    expect(isTrue(text, { doc }), text).toBe(true)
  for (const text of [
    '"3" in doc.list',
    '"ann" in doc.object',
    '"a" in doc.text',
    '"ann" in doc.missing',
    '1 in 1',
  ])
    expect(isTrue(text, { doc }), text).toBe(false)
})

test('[RULE-11] what a rule comes to counts as in JavaScript; an error is a no', () => {
  for (const text of ['1', '"x"', 'doc', '[]', 'auth', '!doc.missing', 'doc.missing || auth'])
    expect(isTrue(text), text).toBe(true)
  for (const text of ['0', '""', 'null', 'doc.missing', '!1', 'auth && doc.missing', 'auth.unionid'])
    expect(isTrue(text), text).toBe(false)
  for (const text of ['doc + 1', 'true || doc + 1 == 2', 'null + 1 == 1', '!(auth.unionid + "x" == "x")'])
    expect(isTrue(text), text).toBe(text.startsWith('true ||'))
  expect(() => compile(parseRule('doc + 1', variables))({ auth: null, doc: {} })).toThrow(RuleEvaluationError)
})

test('[RULE-12] sums are of numbers, or of words, and stay small', () => {
  expect(isTrue('doc.n + 1 == 3 && doc.text + "-" + doc.n == "a-2"', { doc: { n: 2, text: 'a' } })).toBe(true)
  const big = { text: 'x'.repeat(60_000) }
  expect(isTrue('doc.text + doc.text != null', { doc: big })).toBe(false)
})

test('[RULE-12] a text of 65,536 characters is small, and one more is not', () => {
  const doc = { text: 'x'.repeat(65_535) }
  expect(isTrue('doc.text + "y" > doc.text', { doc })).toBe(true)
  expect(isTrue('doc.text + "yz" > doc.text', { doc }), 'an error is a no').toBe(false)
  expect(isTrue('doc.text + 1 > doc.text && 1 + doc.text != doc.text', { doc })).toBe(true)
  const reason =
    (text: string, scope = doc as object) =>
    () =>
      compile(parseRule(text, variables))({ auth: null, doc: normalise(scope) as never })
  expect(reason('doc.text + 12')).toThrow('"+" made a text of more than 65536 characters')
  for (const text of ['true + 1', '1 + null', 'doc.list + doc.list', '"a" + doc.missing', 'doc.list + 1'])
    expect(reason(text, { list: [1] }), text).toThrow('"+" is for numbers and texts')
})

test('[RULE-5] lists and objects compare by what is in them, a claim that is not there with nothing', () => {
  const doc = { list: [1, 'a', null], object: { a: { b: 1 } }, same: { a: { b: 1 } }, none: null }
  for (const text of [
    'doc.list == [1, "a", null]',
    'doc.object == doc.same',
    '[] == []',
    'doc.none in [1, null]',
  ])
    expect(isTrue(text, { doc }), text).toBe(true)
  for (const text of [
    'doc.list == [1, "a"]',
    'doc.list == [1, "a", undefined, null]',
    'doc.object == doc.object.a',
    'doc.none == doc.object',
    'doc.object == null',
    'auth.unionid == auth.unionid',
    'auth.unionid < 1',
    '1 >= auth.unionid',
    'auth.unionid in [auth.unionid]',
    'auth.unionid.x == null && auth.unionid.x == auth.unionid.y',
  ])
    expect(isTrue(text, { doc }), text).toBe(false)
})

test('a geometry is read as the GeoJSON it is', () => {
  expect(
    isTrue('doc.at.type == "Point" && doc.at.coordinates[1] == 2', { doc: { at: new GeoPoint(1, 2) } }),
  ).toBe(true)
})

test('no rule and no document makes the evaluator throw or take long', () => {
  const field = fc.constantFrom(
    'doc.a',
    'doc.b.c',
    'doc[doc.a]',
    'auth.openid',
    'auth.x',
    'request.data.a',
    'now',
  )
  const literal = fc.constantFrom('1', '"a"', 'null', 'true', '[1, doc.a]', 'undefined')
  const { rule } = fc.letrec<{ rule: string }>(tie => ({
    rule: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      field,
      literal,
      fc
        .tuple(tie('rule'), fc.constantFrom('==', '!=', '<', '>=', '&&', '||', 'in', '+'), tie('rule'))
        .map(([left, operator, right]) => `(${left} ${operator} ${right})`),
      tie('rule').map(part => `!${part}`),
    ),
  }))
  const value = fc.jsonValue({ maxDepth: 3 }).map(json => {
    try {
      return normalise(json)
    } catch {
      return null
    }
  })
  fc.assert(
    fc.property(rule, value, value, (text, a, b) => {
      fc.pre(text.length < 500)
      const doc = { _id: '1', a, b: { c: b } as Value } as Document
      expect(typeof isTrue(text, { doc, request: { data: { a: b } } })).toBe('boolean')
      expect(typeof isTrue(text, { auth: null, doc })).toBe('boolean')
    }),
    { numRuns: 1_000 },
  )
})
