import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decode, encode } from './codec.ts'
import { makeDocument } from './document.ts'
import { parseDown, readItem, readSnapshotItem } from './frames.ts'
import { normalise } from './normalise.ts'
import { applyPatch, patchBetween } from './patch.ts'
import { arbitraryFields } from './testing/arbitrary-values.ts'
import type { Document, DocumentData } from './values.ts'

const document = (fields: object) => makeDocument('x', normalise(fields) as DocumentData)

test('[PATCH-1] a patch names the paths that changed, and those that are gone', () => {
  const before = document({ title: 'a', nested: { n: 1, same: { deep: true } }, list: [1, 2], gone: 1 })
  const after = document({ title: 'a', nested: { n: 2, same: { deep: true } }, list: [1, 2, 3], fresh: null })
  expect(patchBetween(before, after)).toEqual({
    set: { 'nested.n': 2, list: [1, 2, 3], fresh: null },
    removed: ['gone'],
  })
})

test('[PATCH-1] what a patch makes is the document to the letter, or there is no patch', () => {
  fc.assert(
    fc.property(arbitraryFields(), arbitraryFields(), fc.boolean(), (a, b, isKin) => {
      const before = document(a)
      const after = document(isKin ? { ...a, ...b } : b)
      const patch = patchBetween(before, after)
      if (!patch) return
      const travelled = JSON.parse(JSON.stringify(patch))
      const made = applyPatch(before, travelled)
      expect(encode(made)).toBe(encode(after))
      expect(made).toStrictEqual(decode(encode(after)))
      expect(Object.isFrozen(made)).toBe(true)
    }),
    { numRuns: 500 },
  )
})

test('[PATCH-1] fields in another order are another text: there is no patch', () => {
  expect(patchBetween(document({ a: 1, b: 2 }), document({ b: 2, a: 1 }))).toBeUndefined()
})

test('[PATCH-1] an object that becomes a geometry by one field is one', () => {
  const before = document({ place: { type: 'Point', coordinates: 'nowhere' } })
  const after = document({ place: { type: 'Point', coordinates: [1, 2] } })
  expect(applyPatch(before, patchBetween(before, after)!)).toStrictEqual(after)
})

test('[PATCH-1] a hostile patch changes nothing', () => {
  const before = document({ a: { b: 1 }, list: [1] })
  for (const [set, removed] of [
    [JSON.parse('{"__proto__":{"admin":true}}'), []],
    [{ 'a.__proto__.admin': true }, []],
    [{ 'constructor.prototype.admin': true }, []],
    [{ 'a.toString.admin': true }, []],
    [{ _id: 'y' }, []],
    [{}, ['_id']],
    [{ 'list.0': 2 }, []],
    [{ 'missing.b': 2 }, []],
    [{ $date: 2 }, []],
    [{ a: { $unknown: 2 } }, []],
    [{ a: '\ud800' }, []],
    [{ [Array.from({ length: 200 }, () => 'a').join('.')]: 1 }, []],
  ] as [Record<string, unknown>, string[]][])
    expect(() => applyPatch(before, { set, removed }), JSON.stringify(set)).toThrow(
      expect.objectContaining({ code: 'VALUE_REFUSED' }),
    )
  expect(({} as { admin?: unknown }).admin).toBeUndefined()
})

test('[PATCH-1] no patch nests deeper than a document may', () => {
  let deep: unknown = 1
  for (let level = 0; level < 40; level++) deep = { a: deep }
  const before = document({ a: deep }) as Document
  const path = Array.from({ length: 30 }, () => 'a').join('.')
  expect(() => applyPatch(before, { set: { [path]: deep }, removed: [] })).toThrow(
    expect.objectContaining({ code: 'VALUE_REFUSED' }),
  )
})

test('[MSG-6] since version 4 an item is a patch too, and a snapshot names its collection no more', () => {
  const frame = JSON.stringify({
    type: 'changes',
    from: 1,
    to: 2,
    items: [
      ['c', 2, 1, { n: 1 }, 'x'],
      ['c', 2, 1, {}, 'y', ['n']],
    ],
  })
  const message = parseDown(frame)
  expect(message.type === 'changes' && message.items.map(readItem)).toEqual([
    { collection: 'c', version: 2, base: 1, id: 'x', patch: { set: { n: 1 }, removed: [] } },
    { collection: 'c', version: 2, base: 1, id: 'y', patch: { set: {}, removed: ['n'] } },
  ])
  expect(readSnapshotItem('c', [3, { _id: 'x' }])).toEqual({
    collection: 'c',
    version: 3,
    document: { _id: 'x' },
  })
})
