import type { DocId, Document, Version } from '@nearcloud/protocol'
import type { Change } from '../commit/change.ts'

/** A document as it was before somebody changed it. */
export interface Earlier {
  readonly id: DocId
  readonly document: Document | null
  /** Of the document; 0 when there was none. */
  readonly version: Version
}

interface Kept extends Earlier {
  /** The version that changed it. */
  readonly until: Version
  readonly size: number
}

/**
 * What documents were before the latest commits: enough to see the database as it was at any version that somebody still
 * looks at. Nothing is kept while nobody does.
 */
export class EarlierDocuments {
  /** By collection, then by id; oldest first. */
  readonly #kept = new Map<string, Map<DocId, Kept[]>>()
  #characters = 0

  /** Of everything that is kept, in the documents' texts. */
  get characters(): number {
    return this.#characters
  }

  hear(changes: readonly Change[]): void {
    for (const { collection, id, version, before, beforeText, beforeVersion } of changes) {
      const byId = this.#kept.get(collection) ?? new Map<DocId, Kept[]>()
      this.#kept.set(collection, byId)
      const list = byId.get(id) ?? []
      byId.set(id, list)
      const size = (beforeText?.length ?? 0) + entryCharacters
      list.push({ id, document: before, version: before ? (beforeVersion ?? -1) : 0, until: version, size })
      this.#characters += size
    }
  }

  /** As it was at `version`; undefined when nobody changed it since. */
  at(collection: string, id: DocId, version: Version): Earlier | undefined {
    return this.#kept
      .get(collection)
      ?.get(id)
      ?.find(({ until }) => until > version)
  }

  /** All documents of a collection that somebody changed since `version`, as they were then. */
  allAt(collection: string, version: Version): readonly Earlier[] {
    const found: Earlier[] = []
    for (const list of this.#kept.get(collection)?.values() ?? []) {
      const earlier = list.find(({ until }) => until > version)
      if (earlier) found.push(earlier)
    }
    return found
  }

  /** Nobody looks at anything older than `version` any more. */
  forgetBefore(version: Version): void {
    for (const [collection, byId] of this.#kept) {
      for (const [id, list] of byId) {
        while (list[0] && list[0].until <= version) this.#characters -= list.shift()!.size
        if (list.length === 0) byId.delete(id)
      }
      if (byId.size === 0) this.#kept.delete(collection)
    }
  }

  clear(): void {
    this.#kept.clear()
    this.#characters = 0
  }
}

/** What an entry takes besides its document. */
const entryCharacters = 200
