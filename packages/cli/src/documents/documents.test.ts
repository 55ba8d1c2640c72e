import type { Json } from '@nearcloud/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { csvHeader, csvLine, flatten, readCsv } from './csv.ts'
import { FormError, fromExport, toExport } from './export-forms.ts'
import { readJson } from './read-json.ts'

async function* pieces(text: string, size = text.length || 1): AsyncIterable<string> {
  for (let at = 0; at < text.length; at += size) yield text.slice(at, at + size)
}

async function all<T>(of: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const each of of) list.push(each)
  return list
}

const jsonOf = async (text: string, size?: number) =>
  (await all(readJson(pieces(text, size)))).map(({ tree }) => tree)
const csvOf = async (text: string, size?: number) =>
  (await all(readCsv(pieces(text, size)))).map(({ tree }) => tree)

/** Documents as canonical trees. */
const key = fc.string({ minLength: 1, maxLength: 5 }).filter(name => /^[^.$]+$/.test(name) && !(name in {}))
const scalar: fc.Arbitrary<Json> = fc.oneof(
  fc.constantFrom<Json>(
    null,
    true,
    false,
    '',
    '7',
    '1e5',
    'null',
    '{"a":1}',
    '["',
    '"x"',
    ' a ',
    'a,b',
    'two\nlines',
    '\ufeff',
    '=1+1',
    '007',
  ),
  fc.string(),
  fc.double({ noNaN: true, noDefaultInfinity: true }).filter(number => !Object.is(number, -0)),
  fc.integer(),
  fc.integer({ min: -8.64e15, max: 8.64e15 }).map(ms => ({ $date: ms }) as Json),
  fc.constantFrom<Json>({ $numberDouble: 'NaN' }, { $numberDouble: '-0' }, { $binary: 'AAEC' }),
  fc.constant<Json>({ $regularExpression: { pattern: 'a.*"', options: 'i' } }),
)
const { document } = fc.letrec<{ value: Json; document: { [key: string]: Json } }>(tie => ({
  value: fc.oneof({ depthSize: 'small' }, scalar, fc.array(tie('value'), { maxLength: 3 }), tie('document')),
  document: fc.dictionary(key, tie('value'), { maxKeys: 4, noNullPrototype: true }),
}))

test('[OPS-14] what is exported as JSON is imported as it was, wherever the pieces of the file are cut', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(document, { maxLength: 4 }),
      fc.integer({ min: 1, max: 7 }),
      async (documents, size) => {
        const text = documents.map(each => `${JSON.stringify(toExport(each))}\n`).join('')
        expect((await jsonOf(text, size)).map(fromExport)).toEqual(documents)
      },
    ),
    { numRuns: 300 },
  )
})

test('[OPS-14] and so is what is exported as CSV', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(document, { minLength: 1, maxLength: 4 }),
      fc.integer({ min: 1, max: 7 }),
      async (documents, size) => {
        const rows = documents.map(each => flatten({ _id: 'x', ...each }))
        const names = [...new Set(rows.flatMap(row => [...row.keys()]))]
        const text = [csvHeader(names), ...rows.map(row => csvLine(names.map(name => row.get(name))))].join(
          '\n',
        )
        expect((await csvOf(text, size)).map(fromExport)).toEqual(
          documents.map(each => ({ _id: 'x', ...each })),
        )
      },
    ),
    { numRuns: 300 },
  )
})

test('[OPS-15] types are read in all forms that exports of MongoDB and the original have', () => {
  const read = (value: Json) => fromExport({ value }).value
  const date = { $date: 1_535_736_600_882 }
  expect(read({ $date: '2018-08-31T17:30:00.882Z' })).toEqual(date)
  expect(read({ $date: 1_535_736_600_882 })).toEqual(date)
  expect(read({ $date: { $numberLong: '1535736600882' } })).toEqual(date)
  expect(read({ $oid: '639be0d05321300af2bd273d' })).toBe('639be0d05321300af2bd273d')
  expect(read({ $numberInt: '-7' })).toBe(-7)
  expect(read({ $numberLong: '9007199254740992' })).toBe(9_007_199_254_740_992)
  expect(read({ $numberDouble: '1.5' })).toBe(1.5)
  expect(read({ $numberDouble: 'Infinity' })).toEqual({ $numberDouble: 'Infinity' })
  expect(read({ $numberDecimal: '0.1' })).toBe(0.1)
  expect(read({ $binary: { base64: 'AAEC', subType: '00' } })).toEqual({ $binary: 'AAEC' })
  expect(read({ $binary: 'AAEC', $type: '00' })).toEqual({ $binary: 'AAEC' })
  expect(read({ $regex: '^a', $options: 'i' })).toEqual({
    $regularExpression: { pattern: '^a', options: 'i' },
  })
  expect(read({ $regularExpression: { pattern: 'a', options: '' } })).toEqual({
    $regularExpression: { pattern: 'a', options: '' },
  })
  expect(fromExport({ a: { $undefined: true }, b: 1 })).toEqual({ b: 1 })
  expect(fromExport({ 'a.b': 1, 'a.c.d': 2 })).toEqual({ a: { b: 1, c: { d: 2 } } })
  const place = { type: 'Point', coordinates: [113.3, 23.1] }
  expect(read(place)).toEqual(place)
})

test('[OPS-24] columns of CSV that are named as dates are dates, whoever wrote them; others stay texts', async () => {
  const rows = [
    '_id,due,meta.at,text',
    'a,2018-08-31T17:30:00.882Z,1535736600882,2018-08-31',
    'b,2018-08-31T17:30+08:00,"2018-08-31","x"',
    'c,,null,y',
    'd,"{""$date"":""2018-08-31T17:30:00.882Z""}",-1,z',
  ].join('\n')
  const read = async (text: string, dates: string[]) =>
    (await all(readCsv(pieces(text, 7), dates))).map(({ tree }) => fromExport(tree))
  const $date = 1_535_736_600_882
  expect(await read(rows, ['due', 'meta.at'])).toEqual([
    { _id: 'a', due: { $date }, meta: { at: { $date } }, text: '2018-08-31' },
    {
      ...{ _id: 'b', text: 'x' },
      due: { $date: Date.parse('2018-08-31T09:30:00Z') },
      meta: { at: { $date: Date.parse('2018-08-31T00:00:00Z') } },
    },
    { _id: 'c', meta: { at: null }, text: 'y' },
    { _id: 'd', due: { $date }, meta: { at: { $date: -1 } }, text: 'z' },
  ])
  for (const [cell, words] of [
    [
      '2018-08-31 17:30:00',
      'line 2: "due" is no date with a zone, as in 2018-08-31T17:30:00+08:00: 2018-08-31 17:30:00',
    ],
    [
      '2018-08-31T17:30:00',
      'line 2: "due" is no date with a zone, as in 2018-08-31T17:30:00+08:00: 2018-08-31T17:30:00',
    ],
    ['2018-02-30', 'line 2: "due" is no date: 2018-02-30'],
    ['2018-08-31T25:00:00Z', 'line 2: "due" is no date: 2018-08-31T25:00:00Z'],
    ['9999999999999999', 'line 2: "due" is no date: 9999999999999999'],
    ['31/08/2018', 'line 2: "due" is no date: 31/08/2018'],
    ['true', 'line 2: "due" is no date: true'],
    [`${'9'.repeat(50_000)}`, `line 2: "due" is no date: ${'9'.repeat(40)}`],
  ] as const)
    await expect(read(`_id,due\na,${cell}\n`, ['due'])).rejects.toThrow(new FormError(words))
  await expect(read(rows, ['at'])).rejects.toThrow('line 1: there is no column "at"')
})

test.each<[Json, RegExp]>([
  [{ a: { $date: 'yesterday' } }, /^"a" is of a type that is not known: \{"\$date":"yesterday"\}$/],
  [{ a: { b: { $numberLong: '9007199254740993' } } }, /^"a\.b" is of a type/],
  [{ a: { $text: 'x' } }, /not known/],
  [{ a: { $serverDate: 0 } }, /not known/],
  [{ a: { $date: 1, b: 2 } }, /not known/],
  [{ a: { constructor: 1, $x: 1 } }, /not known/],
  [{ $toString: 1, 'a.': 1 }, /begins or ends with a dot/],
  [{ '.a': 1 }, /begins or ends with a dot/],
  [{ 'a..b': 1 }, /two of them/],
  [{ a: { b: 1 }, 'a.b': 2 }, /"a\.b" says something else again/],
  [{ 'a.b': 2, a: 1 }, /"a" says something else again/],
  [{ a: { $date: 1 }, 'a.b': 2 }, /"a\.b" says something else again/],
  [[1], /a document is an object/],
  ['x', /a document is an object/],
])('[OPS-16] %j is no document, and it is said why', (tree, words) => {
  expect(() => fromExport(tree)).toThrow(FormError)
  expect(() => fromExport(tree)).toThrow(words)
})

test('[OPS-15] objects may be written over several lines, or several on one, behind a byte order mark', async () => {
  const text = '\ufeff{\n  "_id": "x",\n  "t": "} \\" {"\n}\r\n{"a":1}{"b":2}\n\n'
  for (const size of [1, 2, 3, 1_000])
    expect(await jsonOf(text, size)).toEqual([{ _id: 'x', t: '} " {' }, { a: 1 }, { b: 2 }])
  const lines = (await all(readJson(pieces(text)))).map(({ line }) => line)
  expect(lines).toEqual([1, 5, 5])
})

test.each([
  ['[{"a":1}]', /^line 1: this is a list; documents come one after the other/],
  ['{"a":1},\n{"b":2}', /^line 1: a document begins with "\{", not with ","/],
  ['{"a":1}\n\n{"b":', /^line 3: a document that does not end/],
  ['{"a":1}\n{"a":1,"a":2}', /^line 2: not acceptable JSON: .*/],
  ['{"__proto__":{}}', /^line 1: not acceptable JSON/],
  ["{'a':1}", /^line 1: not acceptable JSON/],
  [`{"a":"${'x'.repeat(4_100_000)}`, /^line 1: a document of more than 4 million characters/],
  [`${'{"a":'.repeat(200)}1${'}'.repeat(200)}`, /^line 1: not acceptable JSON/],
])('[OPS-16] JSON that cannot be read is said with its line (%#)', async (text, words) => {
  await expect(jsonOf(text)).rejects.toThrow(words)
  await expect(jsonOf(text)).rejects.toThrow(FormError)
})

test('[OPS-15] cells are numbers, words, JSON or texts; quoted ones are texts', async () => {
  const text =
    '_id,age,ok,none,at,tags,address.city,zip,code\nx,45,true,null,"{""$date"":""2018-08-31T17:30:00.882Z""}","[1,2]",Berlin,007,"12"\ny,1.50,,,,,,1e5,""\n'
  expect((await csvOf(text)).map(fromExport)).toEqual([
    {
      ...{ _id: 'x', age: 45, ok: true, none: null, at: { $date: 1_535_736_600_882 }, tags: [1, 2] },
      ...{ address: { city: 'Berlin' }, zip: '007', code: '12' },
    },
    { _id: 'y', age: 1.5, zip: '1e5', code: '' },
  ])
})

test.each([
  ['a,b\n1\n', /^line \d: /],
  ['a,\n1,2\n', /^line 1: a column without a name/],
  ['a,a\n1,2\n', /^line 2: the key "a" says something else again/],
  ['a,a.b\n1,2\n', /^line 2: the key "a\.b" says/],
  ['a,b\n"x,2\n', /^(?:line \d: )?Quote Not Closed/],
])('[OPS-16] CSV that cannot be read is said with its line (%#)', async (text, words) => {
  await expect(csvOf(text)).rejects.toThrow(words)
  await expect(csvOf(text)).rejects.toThrow(FormError)
})
