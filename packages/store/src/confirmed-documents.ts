import type { DocId, Document, Version } from '@nearcloud/protocol'
import { Kept } from './kept.ts'
import type { Confirmed } from './store.ts'

/** The documents of one collection as the server has them. They share a map with those the app sees: most are the same. */
export class ConfirmedDocuments {
  readonly #keptById: Map<DocId, Kept>
  #size = 0

  constructor(keptById: Map<DocId, Kept>) {
    this.#keptById = keptById
  }

  get size(): number {
    return this.#size
  }

  get(id: DocId): Confirmed | undefined {
    const kept = this.#keptById.get(id)
    return kept?.confirmed ? { document: kept.confirmed, version: kept.version } : undefined
  }

  documentOf(id: DocId): Document | null {
    return this.#keptById.get(id)?.confirmed ?? null
  }

  /** 0: it is not there. */
  versionOf(id: DocId): Version {
    return this.#keptById.get(id)?.version ?? 0
  }

  set(document: Document, version: Version): void {
    const id = document._id
    const kept = this.#keptById.get(id)
    if (!kept?.confirmed) this.#size++
    if (kept) {
      kept.confirmed = document
      kept.version = version
    } else {
      const added = new Kept(version)
      added.confirmed = document
      this.#keptById.set(id, added)
    }
  }

  delete(id: DocId): void {
    const kept = this.#keptById.get(id)
    if (!kept?.confirmed) return
    this.#size--
    kept.confirmed = null
    kept.version = 0
    if (!kept.document) this.#keptById.delete(id)
  }

  /** One more is kept: it came with its `Kept`. */
  taken(): void {
    this.#size++
  }

  *ids(): Generator<DocId> {
    for (const [id, { confirmed }] of this.#keptById) if (confirmed) yield id
  }

  *[Symbol.iterator](): Generator<Confirmed> {
    for (const { confirmed, version } of this.#keptById.values())
      if (confirmed) yield { document: confirmed, version }
  }
}
