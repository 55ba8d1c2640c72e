import type { DocId } from '@nearcloud/protocol'

/** Values by collection and id. */
export class DocMap<T> {
  readonly #byCollection = new Map<string, Map<DocId, T>>()

  get(collection: string, id: DocId): T | undefined {
    return this.#byCollection.get(collection)?.get(id)
  }

  has(collection: string, id: DocId): boolean {
    return this.#byCollection.get(collection)?.has(id) ?? false
  }

  set(collection: string, id: DocId, value: T): void {
    let byId = this.#byCollection.get(collection)
    if (!byId) {
      byId = new Map()
      this.#byCollection.set(collection, byId)
    }
    byId.set(id, value)
  }

  delete(collection: string, id: DocId): void {
    this.#byCollection.get(collection)?.delete(id)
  }

  /** Ids of one collection. */
  ids(collection: string): Iterable<DocId> {
    return this.#byCollection.get(collection)?.keys() ?? []
  }

  collections(): Iterable<string> {
    return this.#byCollection.keys()
  }

  *[Symbol.iterator](): Generator<readonly [collection: string, id: DocId, value: T]> {
    for (const [collection, byId] of this.#byCollection)
      for (const [id, value] of byId) yield [collection, id, value]
  }
}

/** A set of documents. */
export class DocSet {
  readonly #byCollection = new Map<string, Set<DocId>>()
  /** Nearly always the next one is of the same collection. */
  #last: { readonly collection: string; readonly ids: Set<DocId> } | undefined

  /** False when it was in already. */
  add(collection: string, id: DocId): boolean {
    const ids = this.#idsOf(collection)
    const before = ids.size
    return ids.add(id).size > before
  }

  has(collection: string, id: DocId): boolean {
    return this.#byCollection.get(collection)?.has(id) ?? false
  }

  addAll(docs: DocSet): void {
    for (const [collection, added] of docs.#byCollection) {
      const ids = this.#idsOf(collection)
      for (const id of added) ids.add(id)
    }
  }

  ids(collection: string): Iterable<DocId> {
    return this.#byCollection.get(collection) ?? []
  }

  collections(): Iterable<string> {
    return this.#byCollection.keys()
  }

  *[Symbol.iterator](): Generator<readonly [collection: string, id: DocId]> {
    for (const [collection, ids] of this.#byCollection) for (const id of ids) yield [collection, id]
  }

  #idsOf(collection: string): Set<DocId> {
    if (this.#last?.collection === collection) return this.#last.ids
    let ids = this.#byCollection.get(collection)
    if (!ids) {
      ids = new Set()
      this.#byCollection.set(collection, ids)
    }
    this.#last = { collection, ids }
    return ids
  }
}
