import { type Document, documentText } from '@nearcloud/protocol'
import type { Query } from '@nearcloud/query'
import type { Process } from './device.ts'
import { type Invariant, Violation } from './invariants.ts'

/** All a process shows of a collection. */
export function everything(process: Process, collection: string): readonly Document[] {
  const query: Query = { collection, where: ['and', []], orderBy: [], skip: 0 }
  return process.store.run({ verb: 'get', query }).documents
}

/** The same fields with the same values, in whatever order. */
export function isAlike(a: Document, b: Document): boolean {
  if (a === b || alike.get(a) === b) return true
  const sorted = (document: Document) => Object.fromEntries(Object.entries(document).sort()) as Document
  const isSo = documentText(sorted(a)) === documentText(sorted(b))
  if (isSo) alike.set(a, b)
  return isSo
}

/** What one was found to be like, last. */
const alike = new WeakMap<Document, Document>()

/** Throws when they are not the same documents in the same order. */
export function compare(
  invariant: Invariant,
  what: string,
  expected: readonly Document[],
  have: readonly Document[] | undefined,
): void {
  const [wanted, got] = [expected, have ?? []].map(list => list.map(documentText).join('\n'))
  if (wanted !== got) throw new Violation(invariant, `${what}: has\n${got}\nwants\n${wanted}`)
}
