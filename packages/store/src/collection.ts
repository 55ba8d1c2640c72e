import type { DocId, Document } from '@nearcloud/protocol'
import type { DeclaredIndex } from './declared-index.ts'
import { OrderedIndex } from './ordered-index.ts'
import type { Confirmed } from './store.ts'

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
  readonly confirmed = new Map<DocId, Confirmed>()
  /** Indexes the app asked for (`declare`), by name. */
  readonly declared = new Map<string, DeclaredIndex>()
  readonly #slotById = new Map<DocId, Slot>()
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
    return this.#slotById.size
  }

  get(id: DocId): Document | undefined {
    return this.#slotById.get(id)?.document
  }

  slots(): Iterable<Slot> {
    return this.#slotById.values()
  }

  *documents(): Generator<Document> {
    for (const { document } of this.#slotById.values()) yield document
  }

  /** What the app sees from now on under this id; null: nothing. The answer is what it saw. */
  show(id: DocId, after: Document | null): Document | null {
    const slot = this.#slotById.get(id)
    const before = slot?.document ?? null
    if (before === after) return before
    const hasIndexes = this.#indexByPath.size + this.declared.size > 0
    const indexes = hasIndexes ? [...this.#indexByPath.values(), ...this.declared.values()] : none
    if (slot && after) {
      const moved = indexes.filter(index => !index.hasSameKeys(slot.document, after))
      for (const index of moved) index.remove(slot)
      slot.document = after
      for (const index of moved) index.add(slot)
    } else if (after) {
      const added = { document: after, mark: 0 }
      this.#slotById.set(id, added)
      for (const index of indexes) index.add(added)
    } else if (slot) {
      for (const index of indexes) index.remove(slot)
      this.#slotById.delete(id)
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

/** No path has a NUL. */
function keyOf(path: string, within: string | undefined): string {
  return within === undefined ? path : `${within}\u0000${path}`
}

const mostIndexes = 8
const none: readonly (OrderedIndex | DeclaredIndex)[] = []
