import fc from 'fast-check'
import { expect, test } from 'vitest'
import { indexFrom, parseIndex } from './parse-index.ts'

const refused = expect.objectContaining({ code: 'INVALID_PARAM' })

test('[KEY-8] createIndex takes keys; the name is made of them unless it is given', () => {
  expect(indexFrom({ keys: { userId: 1, status: 1, createTime: -1 } })).toEqual({
    name: 'userId_1_status_1_createTime_-1',
    keys: [
      ['userId', 1],
      ['status', 1],
      ['createTime', -1],
    ],
    unique: false,
  })
  expect(indexFrom({ keys: { 'place.location': '2dsphere', 标签: 1 } }).name).toBe(
    'place.location_2dsphere_标签_1',
  )
  const given = {
    keys: { at: 1 },
    name: 'old',
    unique: true,
    expireAfterSeconds: 0,
    success: () => undefined,
  }
  expect(indexFrom(given)).toEqual({ name: 'old', keys: [['at', 1]], unique: true, expireAfterSeconds: 0 })
})

test('[KEY-8] a definition comes back equal, and frozen', () => {
  const definition = indexFrom({ keys: { a: 1, b: '2dsphere' }, name: 'x' })
  const parsed = parseIndex(JSON.parse(JSON.stringify(definition)))
  expect(parsed).toEqual(definition)
  expect([parsed, parsed.keys, parsed.keys[0]].every(Object.isFrozen)).toBe(true)
})

test('[KEY-8] what no index can be is refused in words', () => {
  const many = Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`f${i}`, 1]))
  for (const [wish, words] of [
    [undefined, 'is an object'],
    [{}, '"keys" of an index is an object'],
    [{ keys: {} }, '1 to 16 paths'],
    [{ keys: many }, '1 to 16 paths'],
    [{ keys: { a: 2 } }, '1, -1 or "2dsphere"'],
    [{ keys: { a: 'text' } }, '"text"'],
    [{ keys: { 'a..b': 1 } }, 'an empty part'],
    [{ keys: { $a: 1 } }, 'begins with "$"'],
    [{ keys: JSON.parse('{"__proto__":1}') }, 'prototype'],
    [{ keys: { a: '2dsphere', b: '2dsphere' } }, 'at most one path'],
    [{ keys: { a: 1 }, name: '' }, '1 to 120'],
    [{ keys: { a: 1 }, name: 'a\nb' }, '1 to 120'],
    [{ keys: { a: 1 }, name: 'n'.repeat(121) }, '1 to 120'],
    [{ keys: { a: 1 }, name: 5 }, '1 to 120'],
    [{ keys: { ['long'.repeat(40)]: 1 } }, 'give "name"'],
    [{ keys: { a: 1 }, unique: 1 }, 'true or false'],
    [{ keys: { a: '2dsphere' }, unique: true }, 'cannot be unique'],
    [{ keys: { a: 1 }, expireAfterSeconds: -1 }, '0 or more'],
    [{ keys: { a: 1 }, expireAfterSeconds: Number.POSITIVE_INFINITY }, '0 or more'],
    [{ keys: { a: 1 }, expireAfterSeconds: '60' }, '0 or more'],
    [{ keys: { a: 1, b: 1 }, expireAfterSeconds: 60 }, 'one path'],
    [{ keys: { a: '2dsphere' }, expireAfterSeconds: 60 }, 'nor a place'],
    [{ keys: { _id: 1 }, expireAfterSeconds: 60 }, 'neither "_id"'],
    [{ keys: { a: 1 }, sparse: true }, 'has no "sparse"'],
  ] as const) {
    expect(() => indexFrom(wish)).toThrow(refused)
    expect(() => indexFrom(wish)).toThrow(words)
  }
  for (const tree of [
    {
      name: 'x',
      keys: [
        ['a', 1],
        ['a', -1],
      ],
    },
    { name: 'x', keys: [['a']] },
    { name: 'x', keys: { a: 1 } },
    { keys: [['a', 1]] },
    { name: 'x', keys: [['a', 1]], success: 1 },
  ])
    expect(() => parseIndex(tree)).toThrow(refused)
})

test('[KEY-8] whatever arrives is a definition or INVALID_PARAM', () => {
  const wish = fc.record(
    {
      keys: fc.oneof(fc.anything(), fc.dictionary(fc.string(), fc.constantFrom(1, -1, '2dsphere', 0))),
      name: fc.anything(),
      unique: fc.anything(),
      expireAfterSeconds: fc.anything(),
    },
    { requiredKeys: [] },
  )
  fc.assert(
    fc.property(fc.oneof(fc.anything(), wish), given => {
      for (const read of [indexFrom, parseIndex])
        try {
          const definition = read(given)
          expect(parseIndex(definition)).toEqual(definition)
        } catch (error) {
          expect(error).toEqual(refused)
        }
    }),
    { numRuns: 500 },
  )
})
