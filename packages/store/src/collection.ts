import type { DocId, Document } from '@nearcloud/protocol'
import { ConfirmedDocuments, type Kept } from './confirmed-documents.ts'
import type { DeclaredIndex } from './declared-index.ts'
import { OrderedIndex } from './ordered-index.ts'

/** Where a document that the app sees is kept: the same slot as long as it exists. */
export interface Slot {
  document: Document
  /** The search that met it last (`newMark`). */
  mark: number
}

/** A number for a search, or a part of one: what is met more than once, or has to be met by several, is told by it. */
export function newMark(): number {
  return ++lastMark
}

let lastMark = 0

/** The documents of one collection: as the server has them, and as the app sees them, with indexes over the latter. */
export class Collection {
  readonly #keptById = new Map<DocId, Kept>()
  readonly confirmed = new ConfirmedDocuments(this.#keptById)
  /** Indexes the app asked for (`declare`), by name. */
  readonly declared = new Map<string, DeclaredIndex>()
  /** How many the app sees. */
  #size = 0
  readonly #indexByPath = new Map<string, OrderedIndex>()
  readonly #smallestIndexed: number
  readonly #wishes: number
  readonly #wishesByPath = new Map<string, number>()

  /** `wishes`: at which wish for it an index is made. */
  constructor({ smallestIndexed = 1_000, wishes = 2 } = {}) {
    this.#smallestIndexed = smallestIndexed
    this.#wishes = wishes
  }

  get size(): number {
    return this.#size
  }

  get(id: DocId): Document | undefined {
    return this.#keptById.get(id)?.document ?? undefined
  }

  slots(): Iterable<Slot> {
    const all = this.#keptById.values() as Iterable<Slot>
    return this.#size === this.#keptById.size ? all : seen(all)
  }

  *documents(): Generator<Document> {
    for (const { document } of this.slots()) yield document
  }

  /** What the app sees from now on under this id; null: nothing. The answer is what it saw. */
  show(id: DocId, after: Document | null): Document | null {
    const kept = this.#keptById.get(id)
    const before = kept?.document ?? null
    if (before === after) return before
    const hasIndexes = this.#indexByPath.size + this.declared.size > 0
    const indexes = hasIndexes ? [...this.#indexByPath.values(), ...this.declared.values()] : none
    const slot = kept as Slot // in the indexes while the app sees it
    if (before && after) {
      const moved = indexes.filter(index => !index.hasSameKeys(slot.document, after))
      for (const index of moved) index.remove(slot)
      slot.document = after
      for (const index of moved) index.add(slot)
    } else if (after) {
      this.#size++
      const added = kept ?? { document: after, mark: 0, confirmed: null, version: 0 }
      if (kept) kept.document = after
      else this.#keptById.set(id, added)
      for (const index of indexes) index.add(added as Slot)
    } else if (kept) {
      this.#size--
      for (const index of indexes) index.remove(slot)
      kept.document = null
      if (!kept.confirmed) this.#keptById.delete(id)
    }
    return before
  }

  /** `within`: the one with this path in front. */
  index(path: string, within?: string): OrderedIndex | undefined {
    return this.#indexByPath.get(keyOf(path, within))
  }

  /**
   * Makes the index when the collection is large enough to want it and has room for one more, and when it is wished for the
   * second time: one answer is found sooner by looking at everything, the first of a store that was just opened above all.
   */
  makeIndex(path: string, within?: string): OrderedIndex | undefined {
    if (this.size < this.#smallestIndexed || this.#indexByPath.size >= mostIndexes) return undefined
    const key = keyOf(path, within)
    const wishes = (this.#wishesByPath.get(key) ?? 0) + 1
    this.#wishesByPath.set(key, wishes)
    if (wishes < this.#wishes) return undefined
    const index = new OrderedIndex(path, this.slots(), undefined, within)
    this.#indexByPath.set(key, index)
    return index
  }
}

function* seen(slots: Iterable<Slot>): Generator<Slot> {
  for (const slot of slots) if (slot.document) yield slot
}

/** No path has a NUL. */
function keyOf(path: string, within: string | undefined): string {
  return within === undefined ? path : `${within}\u0000${path}`
}

const mostIndexes = 8
const none: readonly (OrderedIndex | DeclaredIndex)[] = []
