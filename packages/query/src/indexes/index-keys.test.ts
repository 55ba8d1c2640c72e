import { type Document, normalise } from '@nearcloud/protocol'
import { expect, test } from 'vitest'
import type { IndexDefinition } from '../types.ts'
import { encodeValue } from './encode-value.ts'
import { compileIndexKeys } from './index-keys.ts'

function index(keys: IndexDefinition['keys'], more: Partial<IndexDefinition> = {}): IndexDefinition {
  return { name: 'i', keys, unique: false, ...more }
}
function keysOf(definition: IndexDefinition, fields: object) {
  return compileIndexKeys(definition)(normalise({ _id: 'x', ...fields }) as Document)
}

test('[KEY-1] keys are ordered by the first path, then by the next, each in its own direction', () => {
  const definition = index([
    ['user', 1],
    ['time', -1],
  ])
  const documents = [
    { time: 5 },
    { user: 'a', time: new Date(2) },
    { user: 'a', time: new Date(1) },
    { user: 'a', time: 'z' },
    { user: 'a' },
    { user: 'ab', time: 9 },
    { user: 'ab', time: 8 },
  ]
  const keys = documents.map(each => keysOf(definition, each).keys[0]!)
  expect([...keys].reverse().sort()).toEqual(keys)
})

test('[KEY-2] an array has the keys of its elements and its own, once each; paths are combined', () => {
  const tags = index([['tags', 1]])
  expect(keysOf(tags, { tags: ['b', 'a', 'b'] })).toEqual({
    keys: ['a', 'b', ['b', 'a', 'b']].map(encodeValue),
    isMultikey: true,
    multikeyPaths: ['tags'],
    isCut: false,
  })
  const both = index([
    ['n', 1],
    ['tags', 1],
    ['list.x', -1],
  ])
  const found = keysOf(both, { n: 1, tags: ['a', 'b'], list: [{ x: 1 }, { x: 2 }] })
  expect([found.keys.length, found.multikeyPaths]).toEqual([6, ['tags', 'list.x']])
  expect(found.keys).toEqual([...found.keys].sort())
})

test('[KEY-2] what is missing or not reached has the key of null, so that every document has one', () => {
  const nothing = { keys: [encodeValue(null)], isMultikey: false, multikeyPaths: [], isCut: false }
  for (const fields of [{}, { a: 5 }, { a: null }, { a: [1, 2] }, { a: { b: null } }, { a: [] }])
    expect(keysOf(index([['a.b', 1]]), fields)).toEqual(nothing)
  expect(keysOf(index([['a', 1]]), { a: [] })).toMatchObject({ keys: [encodeValue([])], isMultikey: true })
  expect(keysOf(index([['a.b', 1]]), { a: [{ b: 1 }] })).toMatchObject({
    keys: [encodeValue(1)],
    isMultikey: false,
  })
})

test('[KEY-2] a document has at most 1,000 keys in an index', () => {
  const numbers = (count: number) => Array.from({ length: count }, (_, i) => i)
  const definition = index([
    ['a', 1],
    ['b', 1],
  ])
  expect(keysOf(definition, { a: numbers(999), b: 1 }).keys.length).toBe(1_000)
  for (const fields of [
    { a: numbers(1_000), b: 1 },
    { a: numbers(40), b: numbers(40) },
  ])
    expect(() => keysOf(definition, fields)).toThrow(
      expect.objectContaining({ code: 'DATABASE_REQUEST_FAILED' }),
    )
  expect(keysOf(definition, { a: Array.from({ length: 5_000 }, () => 7), b: 1 }).keys.length).toBe(2)
})

test('[KEY-3] a key is 1,024 bytes at most; who has one that was longer says so', () => {
  const long = 'x'.repeat(2_000)
  const definition = index([
    ['a', 1],
    ['b', 1],
  ])
  const [one, other] = [keysOf(definition, { a: long, b: 1 }), keysOf(definition, { a: `${long}y`, b: 0 })]
  expect([one.isCut, one.keys[0]!.length, one.keys]).toEqual([true, 1_024, other.keys])
  expect(keysOf(definition, { a: 'x', b: 1 }).isCut).toBe(false)
  expect(keysOf(index([['a', 1]]), { a: new Uint8Array(500_000) })).toMatchObject({ isCut: true })
})

test('[KEY-4] a document without any of its fields has no key in a unique index', () => {
  const unique = index(
    [
      ['a', 1],
      ['b', 1],
    ],
    { unique: true },
  )
  expect(keysOf(unique, { c: 1 }).keys).toEqual([])
  expect(keysOf(unique, { b: null }).keys.length).toBe(1)
  expect(keysOf(unique, { a: [] }).keys.length).toBe(1)
})
