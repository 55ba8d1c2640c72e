import type { DocId, Document, Version } from '@nearcloud/protocol'

export interface Put {
  readonly collection: string
  readonly version: Version
  readonly document: Document
}

export interface Gone {
  readonly collection: string
  readonly version: Version
  readonly id: DocId
}

/** The snapshot of one subscription, from when it was asked for, part by part. */
export class SnapshotAssembly {
  /** Parts are held back until the last one, because they replace documents that are here. Known at the first part. */
  isReplacing: boolean | undefined
  /** Every id in it so far. */
  readonly ids = new Set<DocId>()
  #held: Put[] = []
  #version: Version = Number.MAX_SAFE_INTEGER
  readonly #goneAt = new Map<DocId, Version>()

  /** Parts may be of different moments: this is the oldest of them. */
  get version(): Version {
    return this.#version
  }

  /** A change message took a document away while parts, read earlier, were on their way. */
  overtake(gone: Gone): void {
    this.#goneAt.set(gone.id, Math.max(gone.version, this.#goneAt.get(gone.id) ?? 0))
  }

  /** Adds a part; what of everything received is to be stored now. */
  add(version: Version, puts: readonly Put[], isLast: boolean): readonly Put[] {
    this.#version = Math.min(this.#version, version)
    for (const put of puts) this.ids.add(put.document._id)
    if (this.isReplacing) for (const put of puts) this.#held.push(put)
    if (this.isReplacing && !isLast) return []
    const due = this.isReplacing ? this.#held : puts
    this.#held = []
    return due.filter(put => put.version >= (this.#goneAt.get(put.document._id) ?? 0))
  }
}
