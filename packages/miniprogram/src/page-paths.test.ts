import fc from 'fast-check'
import { expect, test } from 'vitest'
import { pathsBetween } from './page-paths.ts'
import { MiniPage } from './testing/index.ts'

const all = (docs: readonly { _id: string }[]) => new Set<unknown>(docs.map(({ _id }) => _id))
const doc = (_id: string, more: object = {}) => ({ _id, title: _id, done: false, ...more })

test('[MP-27] a changed field is one path, a new last element another; what is the same is not said', () => {
  const before = [doc('a'), doc('b', { at: { city: 'x', room: 1 } })]
  const after = [doc('a', { done: true }), doc('b', { at: { city: 'x', room: 2 } }), doc('c')]
  expect(pathsBetween('list', before, after, all(after))).toEqual({
    'list[0].done': true,
    'list[1].at.room': 2,
    'list[2]': doc('c'),
  })
  expect(pathsBetween('list', before, [...before], all(before))).toEqual({})
})

test('[MP-27] a field that is gone, or whose name is no path, is its element; a shorter list, or one all shifted, is whole', () => {
  const { done, ...without } = doc('a')
  expect(pathsBetween('l', [doc('a')], [without], new Set(['a']))).toEqual({ 'l[0]': without })
  const odd = doc('a', { 'x.y': 1 })
  expect(pathsBetween('l', [doc('a')], [odd], new Set(['a']))).toEqual({ 'l[0]': odd })
  expect(pathsBetween('l', [doc('a'), doc('b')], [doc('b')], new Set(['a']))).toEqual({ l: [doc('b')] })
  const many = Array.from({ length: 9 }, (_, i) => doc(String(i)))
  const shifted = [doc('new'), ...many]
  expect(pathsBetween('l', many, shifted, new Set(['new']))).toEqual({ l: shifted })
  expect(pathsBetween('l', undefined, [doc('a')], new Set())).toEqual({ l: [doc('a')] })
  expect(done).toBe(false)
})

const value = fc.oneof(
  fc.integer({ min: 0, max: 3 }),
  fc.constantFrom('x', null, true),
  fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 3 }),
  fc.dictionary(fc.constantFrom('p', 'q', 'r.s', 'u[0]'), fc.integer({ min: 0, max: 2 }), { maxKeys: 3 }),
)
const list = fc.uniqueArray(
  fc.record(
    { _id: fc.constantFrom(...'abcdefg'), f: value, g: value, 'h]': value },
    { requiredKeys: ['_id'] },
  ),
  { selector: ({ _id }) => _id, maxLength: 7 },
)

test('[MP-27] whatever a list becomes, the page shows it', () => {
  fc.assert(
    fc.property(fc.array(list, { minLength: 1, maxLength: 6 }), lists => {
      const page = new MiniPage()
      let shown: (typeof lists)[number] | undefined
      for (const next of lists) {
        page.setData(pathsBetween('list', shown, next, all(next)))
        expect(page.data.list).toEqual(JSON.parse(JSON.stringify(next)))
        shown = next
      }
    }),
    { numRuns: 500 },
  )
})
