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

/**
 * The snapshot of one subscription, from when it was asked for, part by part. A conversation that ends in the middle of it
 * may be followed by one that goes on behind the last part.
 */
export class SnapshotAssembly {
  /**
   * Parts are held back until the last one, because they replace documents that are here. Otherwise they are stored as
   * they come. Known at the first part.
   */
  isReplacing: boolean | undefined
  /**
   * What is here was compared with what the server has, and these it was told of, at these versions: parts have what is
   * different, and what is gone. They are held back until the last one.
   */
  named: ReadonlyMap<DocId, Version> | undefined
  /** The server's inventory came, and was answered. */
  isCompared = false
  readonly gone: Gone[] = []
  /** What an earlier conversation brought of it, and this one need not bring again. */
  carried: ReadonlyMap<DocId, Put> = new Map()
  /** Every id in it so far. */
  readonly ids: Set<DocId>
  /** How many of them came in earlier conversations. */
  earlier: number
  /** The last id of what came. */
  after: DocId | undefined
  /**
   * Where it went on: change messages may have brought these, which no later part will have in it. Before that nobody
   * followed it, and a document they brought (an own write) may be no more.
   */
  #told: Set<DocId> | undefined
  #held: Put[] = []
  #version: Version = Number.MAX_SAFE_INTEGER
  /** What change messages said of a document meanwhile: nothing older counts, whether that is here still or not. */
  readonly #newestTold = new Map<DocId, Version>()

  /** With the first part of it: `ids` up to `after` are in the store. */
  constructor(begun?: { readonly ids: Iterable<DocId>; readonly after: DocId }) {
    this.ids = new Set(begun?.ids)
    this.earlier = this.ids.size
    this.after = begun?.after
    if (begun) this.isReplacing = false
    if (begun) this.#told = new Set()
  }

  /** Parts may be of different moments: this is the oldest of them. */
  get version(): Version {
    return this.#version
  }

  /** Another conversation goes on behind what came. */
  goOn(): void {
    this.earlier = this.ids.size
    this.#told = new Set()
  }

  /** What came of it, for a conversation that compares anew. */
  carry(): ReadonlyMap<DocId, Put> {
    const all = new Map(this.carried)
    for (const put of this.#held) all.set(put.document._id, put)
    for (const { id } of this.gone) all.delete(id)
    return all
  }

  /** It is part of the subscription, as far as was said. */
  has(id: DocId): boolean {
    return this.ids.has(id) || this.#told?.has(id) === true
  }

  /** A change message brought a document. */
  brought({ document: { _id: id }, version }: Put): void {
    this.#told?.add(id)
    this.#tell(id, version)
  }

  /** A change message took a document away while parts, read earlier, were on their way. */
  overtake(gone: Gone): void {
    this.#told?.delete(gone.id)
    this.#tell(gone.id, gone.version)
  }

  /** Adds a part; what of everything received is to be stored now. */
  add(version: Version, puts: readonly Put[], isLast: boolean): readonly Put[] {
    this.#version = Math.min(this.#version, version)
    for (const put of puts) this.ids.add(put.document._id)
    this.after = puts[puts.length - 1]?.document._id ?? this.after
    if (this.isReplacing) for (const put of puts) this.#held.push(put)
    if (this.isReplacing && !isLast) return []
    const due = this.isReplacing ? [...this.carry().values()] : puts
    this.#held = []
    return due.filter(put => put.version >= (this.#newestTold.get(put.document._id) ?? 0))
  }

  #tell(id: DocId, version: Version): void {
    this.#newestTold.set(id, Math.max(version, this.#newestTold.get(id) ?? 0))
  }
}
