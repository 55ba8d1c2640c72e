import type { DocId, Mutation, MutationId } from '@nearcloud/protocol'
import { DocMap, DocSet } from './doc-map.ts'
import type { OutboxView } from './store.ts'

/** The ordered mutations the server has not answered, and which documents they touch. */
export class Outbox implements OutboxView {
  #all: Mutation[] = []
  #durableCount = 0
  #durable: readonly Mutation[] | undefined
  #byDocument = new DocMap<Mutation[]>()

  get size(): number {
    return this.#all.length
  }

  /** How many storage does not have yet. */
  get undurableCount(): number {
    return this.#all.length - this.#durableCount
  }

  get mutations(): readonly Mutation[] {
    this.#durable ??= Object.freeze(this.#all.slice(0, this.#durableCount))
    return this.#durable
  }

  isPending(collection: string, id: DocId): boolean {
    return this.#byDocument.has(collection, id)
  }

  /** Ids of a collection's documents with pending mutations. */
  pendingIds(collection: string): Iterable<DocId> {
    return this.#byDocument.ids(collection)
  }

  append(mutation: Mutation): void {
    this.#all.push(mutation)
    this.#index(mutation)
  }

  /** The oldest that was not durable is now. */
  markDurable(): void {
    this.#durableCount++
    this.#durable = undefined
  }

  /** Takes out all up to `id`; they are returned. */
  takeThrough(id: MutationId): readonly Mutation[] {
    let count = 0
    while (count < this.#durableCount && this.#all[count]!.id <= id) count++
    return this.#take(0, count)
  }

  /** Takes out one; undefined when it is not here. */
  take(id: MutationId): Mutation | undefined {
    const at = this.#all.findIndex(mutation => mutation.id === id)
    return at >= 0 && at < this.#durableCount ? this.#take(at, 1)[0] : undefined
  }

  /** Takes out all that storage does not have. */
  takeUndurable(): readonly Mutation[] {
    return this.#take(this.#durableCount, this.#all.length - this.#durableCount)
  }

  /** Numbers all from 1 on. */
  renumber(): void {
    this.#replace((mutation, at) => ({ ...mutation, id: at + 1 }))
  }

  /** Their authors have seen nothing of the history that counts from now on. */
  forgetBases(): void {
    this.#replace(mutation => ({ ...mutation, base: 0 }))
  }

  #replace(change: (mutation: Mutation, at: number) => Mutation): void {
    const all = this.#all.map((mutation, at) => Object.freeze(change(mutation, at)))
    this.#all = []
    this.#durable = undefined
    this.#byDocument = new DocMap()
    for (const mutation of all) this.append(mutation)
  }

  /**
   * The mutations that touch `docs`, in order. `docs` grows by what they touch besides: a mutation is all or nothing,
   * so the documents of one can only be looked at together.
   */
  touching(docs: DocSet): readonly Mutation[] {
    const found = new Set<Mutation>()
    const open = [...docs]
    for (let next = open.pop(); next; next = open.pop()) {
      for (const mutation of this.#byDocument.get(next[0], next[1]) ?? []) {
        if (found.has(mutation)) continue
        found.add(mutation)
        for (const { collection, id } of mutation.writes)
          if (docs.add(collection, id)) open.push([collection, id])
      }
    }
    return [...found].sort((a, b) => a.id - b.id)
  }

  /** Every document with pending mutations. */
  touched(): DocSet {
    return touchedBy(this.#all)
  }

  #take(at: number, count: number): readonly Mutation[] {
    const taken = this.#all.splice(at, count)
    this.#durableCount -= Math.max(0, Math.min(this.#durableCount - at, taken.length))
    this.#durable = undefined
    for (const mutation of taken) this.#unindex(mutation)
    return taken
  }

  #index(mutation: Mutation): void {
    for (const [collection, id] of touchedBy([mutation])) {
      const list = this.#byDocument.get(collection, id)
      if (list) list.push(mutation)
      else this.#byDocument.set(collection, id, [mutation])
    }
  }

  #unindex(mutation: Mutation): void {
    for (const [collection, id] of touchedBy([mutation])) {
      const list = this.#byDocument.get(collection, id)!
      list.splice(list.indexOf(mutation), 1)
      if (list.length === 0) this.#byDocument.delete(collection, id)
    }
  }
}

/** The documents these mutations write. */
export function touchedBy(mutations: Iterable<Mutation>): DocSet {
  const docs = new DocSet()
  for (const { writes } of mutations) for (const { collection, id } of writes) docs.add(collection, id)
  return docs
}
