import { expect, test } from 'vitest'
import { decode, decodeTrusted, encode, fromJson } from './codec.ts'
import { asDocument, checkCollectionName, checkDocId } from './document.ts'
import { CloudError } from './errors.ts'
import { Geo } from './geo.ts'
import { limits } from './limits.ts'
import { normalise } from './normalise.ts'
import { parseJson } from './parse-json.ts'
import { RegExpValue, ServerDate } from './values.ts'

test.each(['__proto__', 'constructor', 'prototype'])(
  '[REFUSE-1] the key %s is refused at every door',
  key => {
    const own = Object.defineProperty({}, key, { value: { polluted: true }, enumerable: true })
    const deep = { list: [{ own }] }
    for (const text of [
      `{"${key}":{"polluted":true}}`,
      `[{"a":{"${key}":1}}]`,
      `{"\\u005f${key.slice(1)}":1}`,
    ]) {
      if (key !== '__proto__' && text.includes('\\u')) continue
      expect(codeOf(() => decode(text))).toBe('PROTOCOL_ERROR')
      expect(codeOf(() => parseJson(text, 64))).toBe('PROTOCOL_ERROR')
      expect(codeOf(() => fromJson(JSON.parse(text)))).toBe('VALUE_REFUSED')
      expect(codeOf(() => normalise(JSON.parse(text)))).toBe('VALUE_REFUSED')
    }
    expect(refusalOf(() => normalise(own))).toMatchObject({ path: key })
    expect(refusalOf(() => normalise(deep))).toMatchObject({ path: `list.0.own.${key}` })
    expect(codeOf(() => checkCollectionName(key))).toBe('INVALID_PARAM')
    expect(Object.keys(Object.prototype)).toEqual([])
    expect(({} as { polluted?: unknown }).polluted).toBe(undefined)
  },
)

test('[REFUSE-1] an inherited or hidden key is not data, and is left behind', () => {
  const hidden = Object.defineProperty({ seen: 1 }, 'unseen', { value: 2, enumerable: false })
  expect(normalise(hidden)).toEqual({ seen: 1 })
  expect(normalise(JSON.parse('{"a":1,"hasOwnProperty":2,"toString":3}'))).toEqual({
    a: 1,
    hasOwnProperty: 2,
    toString: 3,
  })
  expect(normalise(Object.assign(Object.create(null), { a: 1 }))).toEqual({ a: 1 })
})

test('[REFUSE-2] keys that begin with $ or hold a dot are refused, by their path', () => {
  expect(refusalOf(() => normalise({ a: { $set: 1, b: 1 } }))).toMatchObject({ path: 'a.$set' })
  expect(refusalOf(() => normalise({ $date: 1 }))).toMatchObject({ path: '$date' })
  expect(refusalOf(() => normalise({ 'a.b': 1 }))).toMatchObject({ path: 'a.b' })
  expect(refusalOf(() => decode('{"a":{"$inc":1,"b":2}}'))).toMatchObject({ path: 'a.$inc' })
  expect(refusalOf(() => decode('{"a":{"b.c":2}}'))).toMatchObject({ path: 'a.b.c' })
})

test('[REFUSE-9] what is said in a call has any keys, and no object that reads as another type', () => {
  const said = { 'a.b': 1, $schema: 'x', nested: [{ $ref: '#/a' }, { $gt: 1, $date: 2 }] }
  expect(normalise(said, { keys: 'call' })).toEqual(said)
  expect(decode(encode(normalise(said, { keys: 'call' })), 'call')).toEqual(said)
  expect(decodeTrusted(encode(said), 'call')).toEqual(said)
  expect(decode('{"at":{"$date":5},"a.b":{"$binary":"AA=="}}', 'call')).toEqual({
    at: new Date(5),
    'a.b': new Uint8Array(1),
  })
  for (const tag of ['$date', '$numberDouble', '$binary', '$regularExpression', '$serverDate', '$text'])
    expect(refusalOf(() => normalise({ a: { [tag]: 'x' } }, { keys: 'call' }))).toMatchObject({
      path: `a.${tag}`,
    })
  expect(refusalOf(() => decode('{"$date":"x"}', 'call'))).toMatchObject({ path: '' })
  for (const key of ['__proto__', 'constructor', 'prototype', 'half \ud800']) {
    const text = `{"a":{${JSON.stringify(key)}:1,"b":2}}`
    expect(refusalOf(() => normalise(JSON.parse(text), { keys: 'call' }))).toBeDefined()
    expect(() => decode(text, 'call')).toThrow()
  }
})

test('[REFUSE-3] a malformed or unknown tag is refused', () => {
  for (const text of [
    '{"$date":1.5}',
    '{"$date":8640000000000001}',
    '{"$date":"2020-01-01"}',
    '{"$date":null}',
    '{"$numberDouble":"1"}',
    '{"$numberDouble":0}',
    '{"$binary":"AP8"}',
    '{"$binary":"A==="}',
    '{"$binary":"AR=="}',
    '{"$binary":"AP-_"}',
    '{"$binary":[1]}',
    '{"$serverDate":"0"}',
    '{"$regularExpression":null}',
    '{"$regularExpression":"a"}',
    '{"$regularExpression":{"pattern":"a"}}',
    '{"$regularExpression":{"pattern":"a","options":"g"}}',
    '{"$regularExpression":{"pattern":"a","options":"i","more":1}}',
    '{"$oid":"a"}',
    '{"$":1}',
  ])
    expect(
      codeOf(() => decode(text)),
      text,
    ).toBe('VALUE_REFUSED')
})

test('[REFUSE-4] a cycle is refused with the path where it closes', () => {
  const loop: Record<string, unknown> = { a: {} }
  loop.a = { list: [loop] }
  const error = thrownBy(() => normalise(loop))
  expect(error).toMatchObject({ code: 'CIRCULAR_REFERENCE', errCode: -402001, details: { path: 'a.list.0' } })
  expect(error.errMsg).toContain('Cannot convert circular structure to JSON')
})

test('[REFUSE-4] the same part twice is no cycle, but may not unfold without end', () => {
  const shared = { a: 1 }
  expect(normalise([shared, shared])).toEqual([{ a: 1 }, { a: 1 }])
  let bomb: unknown = 1
  for (let level = 0; level < limits.depth; level++) bomb = [bomb, bomb]
  expect(codeOf(() => normalise(bomb))).toBe('VALUE_REFUSED')
})

test('[REFUSE-4] an array with a hole of thousands of millions is refused, not walked to its end', () => {
  const hole: unknown[] = []
  hole[4_294_967_294 - 1] = 1
  expect(refusalOf(() => normalise({ hole }))).toMatchObject({ path: 'hole.1048574' })
})

test.each([65, 5_000])('[VALUE-7] nesting of %i levels is refused, at every door', levels => {
  let [value, text]: [unknown, string] = [1, '1']
  for (let level = 0; level < levels; level++) {
    value = level % 2 === 0 ? { a: value } : [value]
    text = level % 2 === 0 ? `{"a":${text}}` : `[${text}]`
  }
  expect(codeOf(() => normalise(value))).toBe('VALUE_REFUSED')
  expect(codeOf(() => fromJson(value))).toBe('VALUE_REFUSED')
  expect(codeOf(() => decode(text))).toBe(levels > limits.depth + 2 ? 'PROTOCOL_ERROR' : 'VALUE_REFUSED')
  expect(codeOf(() => decode('['.repeat(levels * 100)))).toBe('PROTOCOL_ERROR')
})

test('[VALUE-7] nesting is counted inside a geometry too, wherever it came from', () => {
  const line = () =>
    new Geo('LineString', [
      [0, 0],
      [1, 1],
    ])
  const around = (levels: number, value: unknown) => {
    for (let level = 0; level < levels; level++) value = [value]
    return value
  }
  expect(codeOf(() => normalise(around(limits.depth - 3, line())))).toBe(undefined)
  expect(codeOf(() => normalise(around(limits.depth - 2, line())))).toBe('VALUE_REFUSED')
  expect(codeOf(() => normalise(around(limits.depth - 2, line().toJSON())))).toBe('VALUE_REFUSED')
})

test.each(['\ud800', 'a\udc00', '\udc00\ud800', '\ud800\ud800'])(
  '[REFUSE-5] half a surrogate pair is refused',
  half => {
    expect(codeOf(() => normalise(half))).toBe('VALUE_REFUSED')
    expect(codeOf(() => normalise({ [half]: 1 }))).toBe('VALUE_REFUSED')
    expect(codeOf(() => normalise(new RegExpValue(half)))).toBe('VALUE_REFUSED')
    expect(codeOf(() => decode(JSON.stringify(half)))).toBe('PROTOCOL_ERROR')
    expect(codeOf(() => decode(`"${half}"`))).toBe('VALUE_REFUSED')
    expect(codeOf(() => decode(`{"${half}":1}`))).toBe('VALUE_REFUSED')
    expect(codeOf(() => checkDocId(half))).toBe('INVALID_PARAM')
  },
)

test('[REFUSE-6] what is not data is refused by what it is', () => {
  class Person {
    name = 'Ada'
  }
  const hostile: [unknown, RegExp][] = [
    [10n, /BigInt/],
    [new Person(), /an instance of Person/],
    [new Map(), /an instance of Map/],
    [new Set(), /an instance of Set/],
    [new Error('x'), /an instance of Error/],
    [Promise.resolve(), /an instance of Promise/],
    [new String('x'), /an instance of String/],
    [new ArrayBuffer(1), /an instance of ArrayBuffer/],
    [Int32Array.of(1), /an instance of Int32Array/],
    [new Date(Number.NaN), /an invalid Date/],
    [new Geo('Point', [200, 0]), /a malformed geometry/],
    [new Geo('LineString', [[0, 0], 'x']), /a malformed geometry/],
    [new RegExpValue('a', 'g'), /a malformed regular expression/],
    [new ServerDate(Number.NaN), /offset is no number/],
  ]
  for (const [value, words] of hostile) {
    expect(refusalOf(() => normalise({ list: [value] }))).toMatchObject({ path: 'list.0' })
    expect(() => normalise(value)).toThrow(words)
  }
  expect(() => normalise(new ServerDate(), { serverDates: false, name: 'where' })).toThrow(
    /^where: a server date/,
  )
})

test('[REFUSE-7] a getter is read once, and one that throws is refused with its error as the cause', () => {
  let reads = 0
  const counted = {
    get a() {
      return ++reads
    },
  }
  expect(normalise(counted)).toEqual({ a: 1 })
  expect(reads).toBe(1)
  const cause = new RangeError('mine')
  const throwing = {
    get a() {
      throw cause
    },
  }
  expect(thrownBy(() => normalise(throwing))).toMatchObject({ code: 'VALUE_REFUSED', cause })
})

test('[REFUSE-7] a proxy is read like the object it shows, and one that lies or is revoked is refused', () => {
  expect(normalise(new Proxy({ a: 1 }, {}))).toEqual({ a: 1 })
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  expect(codeOf(() => normalise({ proxy }))).toBe('VALUE_REFUSED')
  const endless = (): object =>
    new Proxy({ a: 1 }, { get: (_, key) => (key === 'a' ? endless() : undefined) })
  expect(codeOf(() => normalise(endless()))).toBe('VALUE_REFUSED')
})

test('[REFUSE-7] an object that only claims to be a Date, bytes or a RegExp does not become one', () => {
  for (const claim of ['Date', 'RegExp'])
    expect(
      codeOf(() => normalise({ [Symbol.toStringTag]: claim })),
      claim,
    ).toBe('VALUE_REFUSED')
  expect(normalise({ [Symbol.toStringTag]: 'Uint8Array', length: 2 ** 40 })).toEqual({ length: 2 ** 40 })
})

test('[REFUSE-8] a text with the same key twice is refused, at any depth and however it is spelled', () => {
  for (const text of ['{"a":1,"a":1}', '[{"b":{"x":1,"\\u0078":2}}]', '{"":1,"":2}'])
    expect(() => decode(text)).toThrow(/a duplicate key/)
})

test('[DOC-3] an _id is a text of 1 to 512 bytes or a finite number', () => {
  for (const id of ['a', '中'.repeat(170), 0, -1.5, 1e300, 'constructor'])
    expect(() => asDocument(normalise({ _id: id })), String(id)).not.toThrow()
  for (const id of [
    '',
    '中'.repeat(171),
    Number.NaN,
    Number.POSITIVE_INFINITY,
    -0,
    null,
    true,
    {},
    undefined,
  ])
    expect(
      codeOf(() => asDocument(normalise({ _id: id }))),
      String(id),
    ).toBe('INVALID_PARAM')
  expect(() => checkDocId(undefined)).toThrow('docId必须为字符串或数字')
  for (const value of [null, 1, [], 'text', new Date()])
    expect(codeOf(() => asDocument(normalise(value)))).toBe('VALUE_REFUSED')
})

test('[DOC-4] a collection is named by letters, digits, _ and -, and never begins with _', () => {
  for (const name of ['todos', '待办', 'a-b_c', '0', 'x'.repeat(256)])
    expect(() => checkCollectionName(name), name).not.toThrow()
  for (const name of [
    '',
    undefined,
    '_files',
    '-a',
    'a.b',
    'a b',
    'a/b',
    '../x',
    'a\u0000',
    'x'.repeat(257),
    1,
    null,
    '👍',
  ])
    expect(
      codeOf(() => checkCollectionName(name)),
      String(name),
    ).toBe('INVALID_PARAM')
})

function thrownBy(run: () => unknown): CloudError {
  try {
    run()
  } catch (error) {
    if (error instanceof CloudError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

function codeOf(run: () => unknown): string | undefined {
  try {
    run()
    return undefined
  } catch (error) {
    if (error instanceof CloudError) return error.code
    throw error
  }
}

function refusalOf(run: () => unknown): Readonly<Record<string, unknown>> {
  const error = thrownBy(run)
  expect(error.code).toBe('VALUE_REFUSED')
  expect(error.errCode).toBe(-501007)
  expect(error.errMsg).toContain(String(error.details.path))
  return error.details
}
