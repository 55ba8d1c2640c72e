import type { DocId, Document } from '@nearcloud/protocol'
import { OrderedIndex } from './ordered-index.ts'
import type { Confirmed } from './store.ts'

/** The documents of one collection: as the server has them, and as the app sees them, with indexes over the latter. */
export class Collection {
  readonly confirmed = new Map<DocId, Confirmed>()
  readonly #visible = new Map<DocId, Document>()
  readonly #indexByPath = new Map<string, OrderedIndex>()
  readonly #smallestIndexed: number

  constructor({ smallestIndexed = 1_000 }: { smallestIndexed?: number } = {}) {
    this.#smallestIndexed = smallestIndexed
  }

  get size(): number {
    return this.#visible.size
  }

  get(id: DocId): Document | undefined {
    return this.#visible.get(id)
  }

  documents(): Iterable<Document> {
    return this.#visible.values()
  }

  /** What the app sees from now on under this id; null: nothing. */
  show(id: DocId, after: Document | null): void {
    const before = this.#visible.get(id)
    if (after) this.#visible.set(id, after)
    else this.#visible.delete(id)
    for (const index of this.#indexByPath.values()) {
      if (before) index.remove(before)
      if (after) index.add(after)
    }
  }

  /** Another object for a document that reads the same. */
  replaceEqual(id: DocId, document: Document): void {
    this.#visible.set(id, document)
  }

  index(path: string): OrderedIndex | undefined {
    return this.#indexByPath.get(path)
  }

  /** Makes the index when the collection is large enough to want it and has room for one more. */
  makeIndex(path: string): OrderedIndex | undefined {
    if (this.size < this.#smallestIndexed || this.#indexByPath.size >= mostIndexes) return undefined
    const index = new OrderedIndex(path, this.documents())
    this.#indexByPath.set(path, index)
    return index
  }
}

const mostIndexes = 8
