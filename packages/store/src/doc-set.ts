import type { DocId } from '@nearcloud/protocol'

/** A set of documents by collection and id. */
export class DocSet {
  readonly #idsByCollection = new Map<string, Set<DocId>>()

  /** False when it was in already. */
  add(collection: string, id: DocId): boolean {
    let ids = this.#idsByCollection.get(collection)
    if (!ids) {
      ids = new Set()
      this.#idsByCollection.set(collection, ids)
    }
    if (ids.has(id)) return false
    ids.add(id)
    return true
  }

  has(collection: string, id: DocId): boolean {
    return this.#idsByCollection.get(collection)?.has(id) ?? false
  }

  get isEmpty(): boolean {
    return this.#idsByCollection.size === 0
  }

  collections(): Iterable<readonly [collection: string, ids: ReadonlySet<DocId>]> {
    return this.#idsByCollection
  }

  *[Symbol.iterator](): Iterator<readonly [collection: string, id: DocId]> {
    for (const [collection, ids] of this.#idsByCollection) for (const id of ids) yield [collection, id]
  }
}
