import type { DocId, Document } from '@nearcloud/protocol'
import { type Query, queryToJson } from '@nearcloud/query'
import { amongTexts } from './among-texts.ts'
import { ConfirmedDocuments } from './confirmed-documents.ts'
import type { DeclaredIndex } from './declared-index.ts'
import { Kept } from './kept.ts'
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
  /** Documents that are texts still, as they came in segments, and others. */
  #packed: (readonly Kept[])[] = []
  #isUnpacking = false
  #changes = 0
  /** What was looked for in texts. */
  readonly #lookedFor = new Map<string, LookedFor>()

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
    const all = this.#keptById.values()
    return this.#size === this.#keptById.size ? (all as Iterable<Slot>) : seen(all)
  }

  *documents(): Generator<Document> {
    for (const { document } of this.slots()) yield document
  }

  /** What the app sees from now on under this id; null: nothing. The answer is what it saw. */
  show(id: DocId, after: Document | null): Document | null {
    const kept = this.#keptById.get(id)
    const before = kept?.document ?? null
    if (before === after) return before
    this.#changes++
    const indexes = this.#indexes
    const slot = kept as Slot // in the indexes while the app sees it
    if (before && after) {
      const moved = indexes.filter(index => !index.hasSameKeys(slot.document, after))
      for (const index of moved) index.remove(slot)
      slot.document = after
      for (const index of moved) index.add(slot)
    } else if (after) {
      this.#size++
      const added = kept ?? new Kept(0)
      added.document = after
      if (!kept) this.#keptById.set(id, added)
      for (const index of indexes) index.add(added as Slot)
    } else if (kept) {
      this.#size--
      for (const index of indexes) index.remove(slot)
      kept.document = null
      if (!kept.confirmed) this.#keptById.delete(id)
    }
    return before
  }

  /** A document of the server's that is seen as it is. False, and nothing is done, where there is something under its id. */
  arrive(document: Document, version: number): boolean {
    const { _id: id } = document
    if (this.#keptById.has(id)) return false
    const kept = new Kept(version, undefined, document)
    this.#keptById.set(id, kept)
    this.#size++
    this.#changes++
    this.confirmed.taken()
    for (const index of this.#indexes) index.add(kept as Slot)
    return true
  }

  /** A document as it was stored, before there are indexes. False, and nothing is done, where there is one of this id. */
  take(id: DocId, kept: Kept): boolean {
    if (this.#keptById.has(id)) return false
    this.#keptById.set(id, kept)
    this.#size++
    this.confirmed.taken()
    return true
  }

  /** These were taken, and may not be read yet. */
  packed(documents: readonly Kept[]): void {
    if (documents.some(kept => kept.isPacked)) this.#packed.push(documents)
  }

  get isPacked(): boolean {
    return this.#packed.length > 0
  }

  /** Nothing is left to be read before an answer, or it was looked for what the answer is among. */
  isReadFor(query?: Query): boolean {
    return !this.isPacked || (query !== undefined && this.#lookedFor.has(keyOfQuery(query)))
  }

  /** Reads what a query's answer is among, and goes on with the rest when that is done; without a query all of it. In steps. */
  async unpack(pause: () => Promise<void>, query?: Query): Promise<void> {
    let read = 0
    for (const documents of query ? [] : [...this.#packed]) {
      for (const kept of documents) kept.unpack()
      read += documents.length
      this.#packed = this.#packed.filter(each => each !== documents)
      if (read < atOnce) continue
      await pause()
      read = 0
    }
    if (!query || this.isReadFor(query)) return
    const looked: LookedFor = { found: [], changes: this.#changes }
    for (const _ of amongTexts(this.#keptById.values(), query, wantedOf(query), looked.found)) await pause()
    this.#lookedFor.set(keyOfQuery(query), looked)
    if (this.#isUnpacking) return
    this.#isUnpacking = true // an index would have to read all of them at once
    const done = () => {
      this.#isUnpacking = false
      this.#lookedFor.clear()
    }
    pause()
      .then(() => this.unpack(pause))
      .then(done, done) // whoever asks for what cannot be read hears of it
  }

  /** What the first `wanted` of a query's answer are among: all there is, or less where not all of it is read. */
  among(query: Query, wanted: number): Iterable<Slot> {
    if (!this.isPacked) return this.slots()
    const key = keyOfQuery(query, wanted)
    let looked = this.#lookedFor.get(key)
    if (looked?.changes !== this.#changes) {
      looked = { found: [], changes: this.#changes }
      for (const _ of amongTexts(this.#keptById.values(), query, wanted, looked.found));
      this.#lookedFor.set(key, looked)
    }
    return seen(looked.found)
  }

  get #indexes(): readonly (OrderedIndex | DeclaredIndex)[] {
    const hasIndexes = this.#indexByPath.size + this.declared.size > 0
    return hasIndexes ? [...this.#indexByPath.values(), ...this.declared.values()] : none
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
    if (this.#isUnpacking || this.size < this.#smallestIndexed || this.#indexByPath.size >= mostIndexes)
      return undefined
    const key = keyOf(path, within)
    const wishes = (this.#wishesByPath.get(key) ?? 0) + 1
    this.#wishesByPath.set(key, wishes)
    if (wishes < this.#wishes) return undefined
    const index = new OrderedIndex(path, this.slots(), undefined, within)
    this.#indexByPath.set(key, index)
    return index
  }
}

/** Among which documents an answer is, as long as none changes. */
interface LookedFor {
  readonly found: Kept[]
  readonly changes: number
}

/** How many of a query's answer are asked for in its order; Infinity: all of them. */
export function wantedOf({ skip, limit = Infinity }: Pick<Query, 'skip' | 'limit'>): number {
  return skip + limit
}

function keyOfQuery({ where, orderBy, ...query }: Query, wanted = wantedOf(query)): string {
  return JSON.stringify([queryToJson({ collection: '', where, orderBy, skip: 0 }), wanted])
}

function* seen(slots: Iterable<Kept>): Generator<Slot> {
  for (const slot of slots) if (slot.isSeen) yield slot as Slot
}

/** No path has a NUL. */
function keyOf(path: string, within: string | undefined): string {
  return within === undefined ? path : `${within}\u0000${path}`
}

const mostIndexes = 8
/** So many documents are read in some milliseconds. */
const atOnce = 500
const none: readonly (OrderedIndex | DeclaredIndex)[] = []
