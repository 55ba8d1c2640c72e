import fc from 'fast-check'
import { expect, test } from 'vitest'
import { adoptJson, decode, decodeTrusted, encode, fromJson, toJson } from './codec.ts'
import { asDocument, documentText, makeDocument } from './document.ts'
import { Geo, GeoPoint } from './geo.ts'
import { limits } from './limits.ts'
import { normalise } from './normalise.ts'
import { arbitraryFields, arbitraryValue } from './testing/arbitrary-values.ts'
import { utf8Length } from './text.ts'
import { copyValue, isPlainObject, kindOf, NewText, RegExpValue, ServerDate, type Value } from './values.ts'

const runs = { numRuns: 500 }

test('[VALUE-1] any value comes back equal from its canonical text', () => {
  fc.assert(
    fc.property(arbitraryValue({ serverDates: true }), input => {
      const value = normalise(input)
      expect(decode(encode(value))).toStrictEqual(value)
      expect(decodeTrusted(encode(value))).toStrictEqual(value)
      expect(fromJson(toJson(value))).toStrictEqual(value)
    }),
    runs,
  )
})

test('[VALUE-2] a value has one canonical text: encoding what was decoded gives the same bytes', () => {
  fc.assert(
    fc.property(arbitraryValue(), input => {
      const text = encode(normalise(input))
      expect(encode(decode(text))).toBe(text)
    }),
    runs,
  )
})

test('[VALUE-2] any accepted text becomes canonical in one step, spaces, order and escapes whatever they were', () => {
  const accepted = (text: string) => {
    const canonical = encode(decode(text))
    expect(encode(decode(canonical))).toBe(canonical)
    expect(decode(canonical)).toStrictEqual(decode(text))
    return canonical
  }
  fc.assert(
    fc.property(fc.json(), fc.integer({ min: 0, max: 4 }), (text, indent) => {
      let loose: string
      try {
        loose = JSON.stringify(normalise(JSON.parse(text)), null, indent)
        decode(loose)
      } catch {
        return
      }
      accepted(loose)
    }),
    runs,
  )
  expect(accepted(' { "b" : 1e2 , "a" : "\\u0041" , "1" : -0 } ')).toBe(
    '{"1":{"$numberDouble":"-0"},"b":100,"a":"A"}',
  )
  expect(accepted('{"$regularExpression":{"options":"mi","pattern":"a"}}')).toBe(
    '{"$regularExpression":{"pattern":"a","options":"im"}}',
  )
})

test('[VALUE-1] each typed value has its own tag', () => {
  const texts: [Value, string][] = [
    [-0, '{"$numberDouble":"-0"}'],
    [Number.NaN, '{"$numberDouble":"NaN"}'],
    [Number.NEGATIVE_INFINITY, '{"$numberDouble":"-Infinity"}'],
    [new Date(8.64e15), '{"$date":8640000000000000}'],
    [new Date(-8.64e15), '{"$date":-8640000000000000}'],
    [Uint8Array.of(0, 255, 16), '{"$binary":"AP8Q"}'],
    [new RegExpValue('^a/b$', 'mi'), '{"$regularExpression":{"pattern":"^a/b$","options":"im"}}'],
    [new ServerDate(-5), '{"$serverDate":-5}'],
    [new GeoPoint(113.3, 23.1), '{"type":"Point","coordinates":[113.3,23.1]}'],
  ]
  for (const [value, text] of texts) {
    expect(encode(normalise(value))).toBe(text)
    expect(decode(text)).toStrictEqual(value)
  }
})

test('[VALUE-3] undefined, functions and symbols are dropped from objects and null in arrays', () => {
  const input = { a: undefined, b: () => 1, c: Symbol('c'), d: [undefined, () => 1, Symbol('d'), 1], e: 1 }
  expect(encode(normalise(input))).toBe('{"d":[null,null,null,1],"e":1}')
  expect(normalise(undefined)).toBe(null)
  const sparse: number[] = []
  sparse[2] = 1
  expect(encode(normalise(sparse))).toBe('[null,null,1]')
})

test('[VALUE-4] a value inside the house is a copy, frozen all the way down', () => {
  const input = { list: [{ deep: [1] }], when: new Date(5), bytes: Uint8Array.of(1) }
  const value = normalise(input) as unknown as typeof input
  input.list[0]!.deep.push(2)
  input.when.setTime(6)
  input.bytes[0] = 9
  expect(value).toStrictEqual({ list: [{ deep: [1] }], when: new Date(5), bytes: Uint8Array.of(1) })
  for (const part of [value, value.list, value.list[0], value.list[0]!.deep, decode('[{"a":[]}]')])
    expect(Object.isFrozen(part)).toBe(true)
})

test('[VALUE-4] what an app is given is a copy it may change', () => {
  fc.assert(
    fc.property(arbitraryValue(), input => {
      const value = normalise(input)
      const copy = copyValue(value)
      expect(copy).toStrictEqual(value)
      if (Array.isArray(copy) || isPlainObject(copy)) expect(Object.isFrozen(copy)).toBe(false)
      if (copy instanceof Date) expect(copy).not.toBe(value)
      if (copy instanceof Uint8Array) expect(copy).not.toBe(value)
    }),
    runs,
  )
})

test('[VALUE-5] plain GeoJSON is a geometry, and only when it is exactly one', () => {
  expect(normalise({ type: 'Point', coordinates: [1, 2] })).toStrictEqual(new GeoPoint(1, 2))
  expect(kindOf(decode('{"coordinates":[[1,2],[3,4]],"type":"LineString"}'))).toBe('geo')
  for (const plain of [
    { type: 'Point', coordinates: [181, 0] },
    { type: 'Point', coordinates: [0, 91] },
    { type: 'Point', coordinates: [Number.NaN, 0] },
    { type: 'Point', coordinates: [1, 2, 3] },
    { type: 'Point', coordinates: [1, 2], note: 'x' },
    { type: 'LineString', coordinates: [[1, 2]] },
    {
      type: 'Polygon',
      coordinates: [
        [
          [0, 0],
          [1, 0],
          [1, 1],
          [0, 1],
        ],
      ],
    },
    { type: 'Circle', coordinates: [1, 2] },
  ])
    expect(kindOf(normalise(plain))).toBe('object')
})

test('[VALUE-5] a geometry has no negative zero, so that it reads the same everywhere', () => {
  const point = normalise({ type: 'Point', coordinates: [-0, -0] }) as GeoPoint
  expect(Object.is(point.longitude, 0)).toBe(true)
  expect(decode(encode(point))).toStrictEqual(point)
  const line = normalise(
    new Geo('LineString', [
      [-0, 1],
      [1, -0],
    ]),
  )
  expect(decode(encode(line))).toStrictEqual(line)
})

test('[VALUE-6] regular expressions keep their pattern and the flags that mean something in a database', () => {
  expect(normalise(/^a\/b/gi)).toStrictEqual(new RegExpValue('^a\\/b', 'i'))
  expect(normalise(/x/my)).toStrictEqual(new RegExpValue('x', 'm'))
  const newest = 'v'
  expect(() => normalise(new RegExp('x', newest))).toThrow(/flags "v"/)
})

test('[VALUE-7] nesting of 64 levels is kept, whatever is at the bottom', () => {
  for (const bottom of [1, new Date(0), /a/i, Uint8Array.of(1), -0]) {
    const value = normalise(nested(limits.depth, bottom))
    expect(decode(encode(value))).toStrictEqual(value)
  }
  const point = normalise(nested(limits.depth - 2, new GeoPoint(1, 2)))
  expect(decode(encode(point))).toStrictEqual(point)
})

test('[DOC-1] a document has its _id in front and keeps the order of its fields', () => {
  fc.assert(
    fc.property(arbitraryFields(), fields => {
      const document = makeDocument('one', normalise(fields) as { [key: string]: Value })
      expect(document._id).toBe('one')
      expect(asDocument(decode(documentText(document)))).toStrictEqual(document)
    }),
    runs,
  )
  expect(documentText(makeDocument(7, { b: 1, _id: 'ignored', a: 2 }))).toBe('{"_id":7,"b":1,"a":2}')
})

test('[DOC-2] a document of exactly the limit is kept, one byte more is refused, in any alphabet', () => {
  for (const letter of ['a', 'é', '中', '👍']) {
    const frame = utf8Length('{"_id":"1","t":""}')
    const size = utf8Length(letter)
    const room = limits.documentBytes - frame
    const filler = letter.repeat(Math.floor(room / size)) + 'a'.repeat(room % size)
    expect(utf8Length(documentText(makeDocument('1', { t: filler })))).toBe(limits.documentBytes)
    expect(() => documentText(makeDocument('1', { t: `${filler}a` }))).toThrow(/larger than 1048576 bytes/)
  }
})

function nested(levels: number, bottom: unknown): unknown {
  let value = bottom
  for (let level = 0; level < levels; level++) value = level % 2 === 0 ? { a: value } : [value]
  return value
}

test('[VALUE-8] a text that begins travels in the data of a write, and is refused wherever only a value can be', () => {
  const data = normalise({ body: new NewText('hello'), empty: new NewText() }, { texts: true })
  expect(encode(data)).toBe('{"body":{"$text":"hello"},"empty":{"$text":""}}')
  expect(decode(encode(data))).toStrictEqual(data)
  expect(kindOf(new NewText())).toBe('newText')
  expect(() => normalise({ body: new NewText('hello') })).toThrow(
    /data.body: a text where only a value can be/,
  )
  for (const text of [
    '{"$text":1}',
    '{"$text":null}',
    '{"$text":{}}',
    '{"$text":"\\ud800"}',
    '{"$text":"a","b":1}',
  ])
    expect(() => decode(text), text).toThrow()
  expect(() => normalise({ a: new NewText('\ud800') }, { texts: true })).toThrow(/well-formed/)
  expect(() => normalise({ a: new NewText(1 as never) }, { texts: true })).toThrow(/well-formed/)
})

test('[VALUE-2] what is JSON already is its own tree, and only what is not is made anew, wherever it is', () => {
  const plain = normalise({ list: [1, 'a', null, true, { deep: [2] }], empty: {}, none: [] })
  expect(toJson(plain)).toBe(plain)
  for (const special of [-0, Number.NaN, new Date(5), Uint8Array.of(1), new ServerDate(1)]) {
    const mixed = normalise({ before: { a: 1 }, list: [{ b: 2 }, special, { c: 3 }], after: [4] }) as {
      readonly [key: string]: Value
    }
    const list = mixed.list as readonly Value[]
    const tree = toJson(mixed) as { [key: string]: unknown }
    expect(tree).not.toBe(mixed)
    expect([tree.before, tree.after]).toEqual([{ a: 1 }, [4]])
    expect([tree.before === mixed.before, tree.after === mixed.after]).toEqual([true, true])
    const items = tree.list as unknown[]
    expect([items[0] === list[0], items[1] === list[1], items[2] === list[2]]).toEqual([true, false, true])
    expect(list[1], 'the value is as it was').toStrictEqual(special)
    expect(encode(mixed)).toBe(JSON.stringify(tree))
    expect(JSON.parse(encode(mixed))).toEqual(tree)
  }
})

test('[VALUE-4] a tree that is read is left alone, and one that is adopted becomes the value', () => {
  const tree = () => ({ a: [{ b: { $date: 5 } }, 1], c: { d: 'e' }, f: -1 })
  const [read, adopted] = [tree(), tree()]
  const value = fromJson(read) as unknown as { a: unknown[]; c: object }
  expect(read).toEqual(tree())
  expect([value.a === read.a, value.c === read.c, Object.isFrozen(read.a)]).toEqual([false, false, false])
  const ours = adoptJson(adopted) as unknown as { a: unknown[]; c: object }
  expect(ours).toBe(adopted)
  expect(ours).toStrictEqual(value)
  for (const part of [value, value.a, value.a[0], value.c, ours, ours.a, ours.a[0], ours.c])
    expect(Object.isFrozen(part)).toBe(true)
})

test('[REFUSE-2] what is refused is told by its path, whatever stood before it', () => {
  for (const [tree, path, reason] of [
    [undefined, '', 'a undefined'],
    [{ a: { x: [1, { y: 2 }] }, b: undefined }, 'b', 'a undefined'],
    [{ a: [{ b: 1 }, [1, { c: () => 1 }]] }, 'a.1.1.c', 'a function'],
    [{ a: [{ b: Symbol('s') }] }, 'a.0.b', 'a symbol'],
    [[[], 1n], '1', 'a bigint'],
    [{ a: 'ok', b: ['\ud800'] }, 'b.0', 'text with half a surrogate pair'],
    [{ a: { b: { $date: 'x' } } }, 'a.b', 'a malformed or unknown $date'],
    [{ a: [{ $price: 1 }] }, 'a.0', 'a malformed or unknown $price'],
    [{ a: { b: 1, 'c.d': 2 } }, 'a.c.d', 'a key with a "." in it (nest objects instead)'],
  ] as const)
    for (const read of [fromJson, adoptJson])
      expect(() => read(structure(tree)), path).toThrow(
        expect.objectContaining({ code: 'VALUE_REFUSED', details: { path, reason } }),
      )
})

test('[REFUSE-3] an unknown tag is a tag at every door to a document, not a field', () => {
  for (const read of [decode, decodeTrusted])
    expect(() => read('{"a":{"$price":1}}')).toThrow(
      'value.a: a malformed or unknown $price cannot be stored',
    )
})

test('[VALUE-7] how deep something is going to be counts, in lists and in objects', () => {
  const room = limits.depth - 1
  for (const [whole, inner] of [
    [[], [[]]],
    [{}, { a: {} }],
    [[1], { a: [1] }],
    [{ a: new Date(1).getTime() }, [{ a: 1 }]],
  ] as const) {
    expect(fromJson(whole, { depth: room })).toEqual(whole)
    for (const [tree, depth] of [
      [whole, limits.depth],
      [inner, room],
    ] as const)
      expect(() => fromJson(tree, { depth })).toThrow(`nesting deeper than ${limits.depth}`)
  }
  for (const scalar of [1, 'a', null, { $date: 1 }, { $binary: 'AA==' }])
    expect(() => fromJson(scalar, { depth: limits.depth }), 'they nest none').not.toThrow()
})

test('[REFUSE-3] a tag takes exactly what its kind is, up to its bounds', () => {
  const accepted: [string, Value][] = [
    ['{"$date":0}', new Date(0)],
    ['{"$date":-8640000000000000}', new Date(-8.64e15)],
    ['{"$numberDouble":"NaN"}', Number.NaN],
    ['{"$numberDouble":"Infinity"}', Number.POSITIVE_INFINITY],
    ['{"$numberDouble":"-Infinity"}', Number.NEGATIVE_INFINITY],
    ['{"$binary":""}', new Uint8Array()],
    ['{"$serverDate":1.5}', new ServerDate(1.5)],
    ['{"$text":""}', new NewText('')],
    ['{"$regularExpression":{"pattern":"","options":""}}', new RegExpValue('', '')],
    ['{"$regularExpression":{"pattern":"a","options":"imsx"}}', new RegExpValue('a', 'imsx')],
  ]
  for (const [text, value] of accepted) expect(decode(text), text).toStrictEqual(value)
  for (const tree of [
    ...[8.64e15 + 2, -8.64e15 - 2, 0.5, Number.NaN, '0', null, [0]].map($date => ({ $date })),
    ...['1', 'nan', '+Infinity', '0', '', 1, null].map($numberDouble => ({ $numberDouble })),
    ...['A', 'AA=', 'AB==', ' AA==', 1, null, []].map($binary => ({ $binary })),
    ...['1', null, Number.NaN, Number.POSITIVE_INFINITY].map($serverDate => ({ $serverDate })),
    ...[1, null, ['a'], 'a\ud800'].map($text => ({ $text })),
    ...[
      null,
      'a',
      {},
      { pattern: 'a' },
      { options: 'i' },
      { pattern: 1, options: '' },
      { pattern: 'a', options: 1 },
      { pattern: '\ud800', options: '' },
      { pattern: 'a', options: 'g' },
      { pattern: 'a', options: 'i', more: 1 },
    ].map($regularExpression => ({ $regularExpression })),
  ])
    expect(() => fromJson({ at: tree }), JSON.stringify(tree)).toThrow(
      `value.at: a malformed or unknown ${Object.keys(tree)[0]} cannot be stored`,
    )
})

/** Beside what JSON has. */
function structure(tree: unknown): unknown {
  return tree === null || typeof tree !== 'object'
    ? tree
    : Array.isArray(tree)
      ? tree.map(structure)
      : Object.fromEntries(Object.entries(tree).map(([key, each]) => [key, structure(each)]))
}
