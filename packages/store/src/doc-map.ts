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

  /** False when there was one already. */
  set(collection: string, id: DocId, value: T): boolean {
    let byId = this.#byCollection.get(collection)
    if (!byId) {
      byId = new Map()
      this.#byCollection.set(collection, byId)
    }
    const before = byId.size
    return byId.set(id, value).size > before
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
  readonly #members = new DocMap<true>()

  /** False when it was in already. */
  add(collection: string, id: DocId): boolean {
    return this.#members.set(collection, id, true)
  }

  has(collection: string, id: DocId): boolean {
    return this.#members.has(collection, id)
  }

  addAll(docs: DocSet): void {
    for (const [collection, id] of docs) this.add(collection, id)
  }

  ids(collection: string): Iterable<DocId> {
    return this.#members.ids(collection)
  }

  collections(): Iterable<string> {
    return this.#members.collections()
  }

  *[Symbol.iterator](): Generator<readonly [collection: string, id: DocId]> {
    for (const [collection, id] of this.#members) yield [collection, id]
  }
}
