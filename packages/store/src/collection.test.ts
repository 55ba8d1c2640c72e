import type { DocId, Document } from '@nearcloud/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Collection } from './collection.ts'
import type { Confirmed } from './store.ts'

test('[CONFIRM-3] what the server said and what the app sees are kept together and change apart', () => {
  const step = fc.record({
    does: fc.constantFrom('confirm', 'unconfirm', 'show', 'hide', 'load', 'arrive'),
    id: fc.constantFrom('a', 'b', 'c', 1),
    n: fc.nat(3),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), steps => {
      const collection = new Collection({ smallestIndexed: 0, wishes: 1 })
      const index = collection.makeIndex('n')!
      const confirmed = new Map<DocId, Confirmed>()
      const seen = new Map<DocId, Document>()
      for (const [at, { does, id, n }] of steps.entries()) {
        const document = Object.freeze({ _id: id, n })
        const before = seen.get(id) ?? null
        const isNew = !seen.has(id) && !confirmed.has(id)
        const arrives = does === 'arrive' && isNew
        if (does === 'confirm' || does === 'load' || arrives) confirmed.set(id, { document, version: at + 1 })
        if (does === 'show' || does === 'load' || arrives) seen.set(id, document)
        if (does === 'arrive') expect(collection.arrive(document, at + 1)).toBe(isNew)
        else if (does === 'confirm') collection.confirmed.set(document, at + 1)
        else if (does === 'load') {
          collection.confirmed.set(document, at + 1)
          expect(collection.show(id, document)).toBe(before)
        } else if (does === 'unconfirm') {
          confirmed.delete(id)
          collection.confirmed.delete(id)
        } else if (does === 'show') expect(collection.show(id, document)).toBe(before)
        else {
          seen.delete(id)
          expect(collection.show(id, null)).toBe(before)
        }
        for (const each of ['a', 'b', 'c', 1]) {
          expect(collection.get(each)).toBe(seen.get(each))
          expect(collection.confirmed.get(each)).toEqual(confirmed.get(each))
          expect(collection.confirmed.documentOf(each)).toBe(confirmed.get(each)?.document ?? null)
          expect(collection.confirmed.versionOf(each)).toBe(confirmed.get(each)?.version ?? 0)
        }
        expect([collection.size, collection.confirmed.size]).toEqual([seen.size, confirmed.size])
        expect(new Set(collection.documents())).toEqual(new Set(seen.values()))
        expect([...collection.slots()]).toHaveLength(seen.size)
        expect(new Set(collection.confirmed)).toEqual(new Set(confirmed.values()))
        expect(new Set(collection.confirmed.ids())).toEqual(new Set(confirmed.keys()))
        expect(index.count(index.spansOf(undefined))).toBe(seen.size)
      }
    }),
  )
})
