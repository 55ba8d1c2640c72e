import type { DocId, Document, Version } from '@nearcloud/protocol'
import type { Confirmed } from './store.ts'

/** What a collection keeps under one id: as the server has it, and as the app sees it; null: not there. */
export interface Kept {
  document: Document | null
  /** See `Slot`. */
  mark: number
  confirmed: Document | null
  /** Of `confirmed`; 0 where that is null. */
  version: Version
}

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
    } else this.#keptById.set(id, { document: null, mark: 0, confirmed: document, version })
  }

  delete(id: DocId): void {
    const kept = this.#keptById.get(id)
    if (!kept?.confirmed) return
    this.#size--
    kept.confirmed = null
    kept.version = 0
    if (!kept.document) this.#keptById.delete(id)
  }

  *ids(): Generator<DocId> {
    for (const [id, { confirmed }] of this.#keptById) if (confirmed) yield id
  }

  *[Symbol.iterator](): Generator<Confirmed> {
    for (const { confirmed, version } of this.#keptById.values())
      if (confirmed) yield { document: confirmed, version }
  }
}
