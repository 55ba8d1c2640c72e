import fc from 'fast-check'
import * as v from 'valibot'
import { expect, test } from 'vitest'
import { limits } from '../limits.ts'
import { upSchema } from './up.ts'
import { isUsualPush } from './usual-push.ts'

const usual = () => ({
  type: 'push',
  mutations: [
    {
      id: 1,
      nonce: 'aabb',
      base: 0,
      time: 1.5,
      writes: [
        { op: 'add', collection: 'c', id: 'x', data: { a: [{ $date: 1 }] } },
        { op: 'set', collection: 'c', id: 7, data: null },
        {
          op: 'update',
          collection: 'c',
          id: 'x',
          changes: [
            ['a.b', 'inc', 1],
            ['c', 'remove', null],
          ],
        },
        { op: 'remove', collection: 'c', id: 'x' },
      ],
    },
  ],
})

test('[MSG-3] a push as nearly all of them are is known at a glance, and is as its schema reads it', () => {
  const json = usual()
  expect(isUsualPush(json)).toBe(true)
  expect(v.parse(upSchema, json)).toEqual(json)
})

test('[MSG-3] whatever is broken in a push, nothing passes at a glance that its schema refuses', () => {
  const places = placesIn(usual())
  const values = [
    undefined,
    null,
    true,
    -1,
    0,
    1,
    1.5,
    2 ** 53,
    'x',
    'set',
    'n'.repeat(65),
    [],
    ['a'],
    {},
    { a: 1 },
  ]
  let [passed, refused] = [0, 0]
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(places.length - 1), fc.constantFrom(...values), fc.boolean()), {
        minLength: 1,
        maxLength: 2,
      }),
      breaks => {
        const json = usual()
        for (const [place, value, isMore] of breaks) change(json, places[place]!, value, isMore)
        const isFine = v.is(upSchema, json)
        if (isUsualPush(json)) {
          passed++
          expect(isFine).toBe(true)
        } else if (!isFine) refused++
      },
    ),
    { numRuns: 5_000 },
  )
  expect(passed).toBeGreaterThan(100)
  expect(refused).toBeGreaterThan(100)
})

test('[MSG-3] too many writes, a text and a guard are for the schema to look at', () => {
  const json = usual()
  const [mutation] = json.mutations
  const text = { op: 'text', collection: 'c', id: 'x', path: 'a', text: 'aabb', update: 'AAA=' }
  const guarded = { op: 'update', collection: 'c', id: 'x', changes: [['a.0', 'set', 1, [[1, '', '0', 1]]]] }
  const removal = { op: 'remove', collection: 'c', id: 'x' }
  for (const writes of [[text], [guarded], Array.from({ length: limits.batchWrites + 1 }, () => removal)])
    expect(isUsualPush({ ...json, mutations: [{ ...mutation, writes }] })).toBe(false)
})

type Place = readonly (string | number)[]

function placesIn(json: unknown, here: Place = []): Place[] {
  if (typeof json !== 'object' || json === null) return [here]
  return [here, ...Object.entries(json).flatMap(([key, value]) => placesIn(value, [...here, key]))]
}

/** Puts `value` at a place, or beside it where there `isMore`; undefined takes it away. */
function change(json: object, place: Place, value: unknown, isMore: boolean): void {
  let container = json as { [key: string | number]: unknown }
  for (const key of place.slice(0, -1)) {
    const next = container[key]
    if (typeof next !== 'object' || next === null) return
    container = next as typeof container
  }
  const key = place.at(-1) ?? 'type'
  if (value !== undefined) container[isMore ? `${key}1` : key] = value
  else if (Array.isArray(container)) container.splice(Number(key), 1)
  else delete container[key]
}
