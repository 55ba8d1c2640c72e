import fc from 'fast-check'
import { expect, test } from 'vitest'
import { checkDocumentSize, documentText } from './document.ts'
import { limits } from './limits.ts'
import { normalise } from './normalise.ts'
import type { Document } from './values.ts'

const refused = (check: (document: Document) => unknown, document: Document) => {
  try {
    check(document)
    return false
  } catch (thrown) {
    return (thrown as { code: string }).code
  }
}

test('[DOC-2] a document is checked for its size without being written, with the same answer', () => {
  const parts: fc.Arbitrary<unknown> = fc.oneof(
    fc
      .constantFrom('x', '\u0001', '中', '😀', '"')
      .chain(unit => fc.integer({ min: 1, max: 400_000 }).map(count => unit.repeat(count))),
    fc.constantFrom(new Date(0), 1e300, null, true, [1, 'a', { b: -0 }], {
      type: 'Point',
      coordinates: [1, 2],
    }),
  )
  fc.assert(
    fc.property(fc.array(parts, { maxLength: 4 }), list => {
      const document = normalise({ _id: 'a', list }) as Document
      expect(refused(checkDocumentSize, document)).toBe(refused(documentText, document))
    }),
    { numRuns: 100 },
  )
})

test('[DOC-2] one byte over the limit is refused, none is not', () => {
  const around = '{"_id":"a","t":""}'.length
  const of = (length: number) => Object.freeze({ _id: 'a', t: 'x'.repeat(length) }) as Document
  expect(refused(checkDocumentSize, of(limits.documentBytes - around))).toBe(false)
  expect(refused(checkDocumentSize, of(limits.documentBytes - around + 1))).toBe('VALUE_REFUSED')
})
