import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decode, encode } from './codec.ts'
import { makeDocument } from './document.ts'
import { parseDown, readItem, readSnapshotItem, snapshotText } from './frames.ts'
import type { DownOf } from './messages.ts'
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

test('[MSG-6] an item of a snapshot that has no form of one is refused, among however many that have', () => {
  const frame = (item: unknown) =>
    JSON.stringify({
      type: 'snapshot',
      id: 1,
      version: 4,
      items: [[1, {}], item, [1, {}]],
      done: 1,
      total: 1,
      last: true,
    })
  expect(parseDown(frame([2, {}]))).toMatchObject({ items: { length: 3 } })
  for (const item of [
    null,
    {},
    [],
    [1],
    ['c', {}],
    [-1, {}],
    [0.5, {}],
    [1, null],
    [1, []],
    [1, {}, 1],
    ['c', 1, 1],
  ])
    expect(() => parseDown(frame(item)), JSON.stringify(item)).toThrow(
      expect.objectContaining({ code: 'PROTOCOL_ERROR' }),
    )
})

test('[MSG-6] the text of a snapshot’s items is found where it stands, whatever is in the documents', () => {
  const documents = [
    { _id: 'a', text: '],"done":1,"total":1,"last":true}' },
    { _id: 'b', items: [[1, { _id: 'x' }]], done: 1 },
  ]
  const frame = `{"type":"snapshot","id":1,"version":4,"items":[[3,${JSON.stringify(documents[0])}],[4,${JSON.stringify(documents[1])}]],"done":2,"total":2,"last":true}`
  const message = parseDown(frame) as DownOf<'snapshot'>
  const text = snapshotText(message, frame)
  expect(JSON.parse(`[${text}]`)).toEqual(message.items)
  for (const other of [
    frame.replace('"id":1,"version":4', '"version":4,"id":1'),
    frame.replace('"done":2,"total":2', '"total":2,"done":2'),
    frame.replace(',"done":2', ',"window":["a"],"done":2'),
    frame.replace('[4,', '["c",4,'),
  ])
    expect(snapshotText(parseDown(other) as DownOf<'snapshot'>, other), other).toBeUndefined()
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
