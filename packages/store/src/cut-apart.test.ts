import type { Document, Value } from '@nearcloud/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { cutApart } from './cut-apart.ts'
import { readSegment, type Segment, segmentHead, segmentItemText, segmentText } from './records.ts'

type Item = readonly [version: number, document: Document | null, id?: string]

const textOf = (items: readonly Item[]) =>
  segmentText(
    { name: 3, collection: 'todos', size: items.length },
    items
      .map(([version, document, id]) =>
        segmentItemText(id ?? '', document ? { version, document } : undefined),
      )
      .join(','),
  ).slice(1)
/** All parts of it. */
const inOne = ({ parts }: Segment) => {
  const all = parts.map(part => part())
  const [ids, documents, gone] = [
    all.flatMap(part => part.ids),
    all.flatMap(part => part.documents),
    all.flatMap(part => part.gone),
  ]
  return { ids, documents, gone }
}
const cut = (text: string, size: number) => cutApart(text, { from: text.indexOf('"documents":[') + 13, size })

// words that look like what stands between two documents
const word = fc.oneof(
  fc.string(),
  fc.constantFrom('],[1,{', '],[1,{"_id":"x"', '"', '\\', ']]}', '],[2,null', 'é漢'),
)
const value: fc.Arbitrary<Value> = fc.letrec<{ value: Value }>(tie => ({
  value: fc.oneof(
    word,
    fc.integer(),
    fc.constantFrom<Value>(null, true, new Date(5)),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.constantFrom<Value>(
      [
        [1, { _id: 'n' }],
        [2, { _id: 'm' }],
      ],
      [[1], [2, { _id: 'm' }]],
    ),
  ),
})).value
const id = fc.oneof({ weight: 20, arbitrary: fc.stringMatching(/^[a-z]{1,8}$/) }, word)
const item: fc.Arbitrary<Item> = fc.oneof(
  { weight: 20, arbitrary: fc.tuple(fc.nat(), fc.record({ _id: id, a: value, b: value })) },
  fc.tuple(fc.constant(0), fc.constant(null), word),
)

test('[LOG-11] a segment reads the same, whether its documents were cut apart or not', () => {
  let apart = 0
  fc.assert(
    fc.property(fc.array(item, { maxLength: 6 }), items => {
      const text = textOf(items)
      const [whole, lazy] = [inOne(readSegment(text)), inOne(readSegment(text, segmentHead(text)))]
      if (lazy.documents.some(({ isPacked }) => isPacked)) apart++
      expect(lazy.ids).toEqual(whole.ids)
      expect(lazy.gone).toEqual(whole.gone)
      const told = (segment: typeof whole) => segment.documents.map(kept => [kept.version, kept.document])
      expect(told(lazy)).toEqual(told(whole))
      for (const { document } of lazy.documents) expect(Object.isFrozen(document)).toBe(true)
    }),
    { numRuns: 2_000 },
  )
  expect(apart).toBeGreaterThan(100)
})

test('[LOG-11] what may stand between two documents and stands in one: the segment is read as a whole', () => {
  const plain: Item[] = [
    [1, { _id: 'a', n: 1 }],
    [12, { _id: 'b', n: 2 }],
  ]
  const found = cut(textOf(plain), 2)
  expect(found?.ids).toEqual(['a', 'b'])
  expect(found?.documents.map(kept => [kept.isPacked, kept.version, kept.document])).toEqual([
    [true, 1, { _id: 'a', n: 1 }],
    [true, 12, { _id: 'b', n: 2 }],
  ])
  for (const items of [
    [...plain, [1, { _id: 'c', in: [[1], [2, { _id: 'x' }]] }] as const],
    [...plain, [1, { _id: 'c', in: '],[2,{"_id":"x"' }] as const, [0, null, 'gone'] as const],
    [...plain, [0, null, 'gone'] as const],
    [...plain, [1, { _id: 'quo"te' }] as const],
    [...plain, [1, { _id: 5 }] as const],
    [...plain, [1, { a: 1, _id: 'c' }] as const],
  ])
    expect(cut(textOf(items), items.length)).toBeUndefined()
  // nothing is claimed of a text that is not as long as it says
  for (const size of [0, 1, 3]) expect(cut(textOf(plain), size)).toBeUndefined()
  for (const text of ['', ']]}', '[', '[1,{"_id":"', '[1,{"_id":"a"}']) expect(cut(text, 1)).toBeUndefined()
})
