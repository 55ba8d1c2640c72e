import type { CloudError, DocId, Document } from '@nearcloud/protocol'
import { compileFilter, type Priority, prepare, priorities, type Query } from '@nearcloud/query'
import type { StoredSubscription } from '@nearcloud/store'
import { isWindowed } from './followed.ts'
import type { Held } from './holdings.ts'
import type { SnapshotAssembly } from './snapshot-assembly.ts'

/** Somebody who wants a query kept in step. */
export interface Holder {
  /** Absent: somebody waits for the answer, which is high. */
  readonly priority?: Priority
  /** The server refuses it, or refuses it from now on. */
  denied?(error: CloudError): void
  /** The subscription that covered the query is refused; this one keeps it in step from now on. */
  moved?(to: Held): void
  /** Some of its first documents came. */
  progressed?(progress: Done): void
}

/** How many of a snapshot's documents have come. */
export interface Done {
  readonly done: number
  readonly total: number
}

/** How waiting for a subscription's documents ended. `lost`: there is no connection to wait for. */
export type Arrival = 'ready' | 'lost'

interface Waiter {
  readonly patient: boolean
  resolve(arrival: Arrival): void
  reject(error: CloudError): void
}

/** One query that is kept in step, for all who want it. */
export class Subscription implements Held {
  readonly key: string
  readonly query: Query
  readonly isWindowed: boolean
  /** With the query each of them wants, which may be less than this one. */
  readonly holders = new Map<Holder, Query>()
  /** Its number in the conversation under way. */
  id: number | undefined
  /** As the server was told. */
  toldPriority: Priority = 'normal'
  /** Its snapshot, while it arrives. */
  assembly: SnapshotAssembly | undefined
  /** Of its snapshot; undefined before its first part. */
  done: Done | undefined
  /** The server's refusal; it is asked again at the next greeting. */
  denial: CloudError | undefined
  /** What the store has under this key is this subscription's, not one's that was dropped a moment ago. */
  isStored: boolean
  /** What puts it in doubt is on its way into the store. */
  isDoubted = false
  /** It has what one in doubt left to it, and nobody has compared that yet. */
  isHeir = false
  /** Ends keeping it warm. */
  cancelRelease: (() => void) | undefined
  readonly #stored: () => StoredSubscription | undefined
  readonly #apart: () => StoredSubscription | undefined
  #compiled: ((document: Document) => boolean) | undefined
  #waiters: Waiter[] = []
  #window: { readonly ids: readonly DocId[]; readonly set: ReadonlySet<DocId> } | undefined

  constructor(
    key: string,
    query: Query,
    options: {
      isStored: boolean
      stored: () => StoredSubscription | undefined
      /** As the server has said, and nobody sees yet. */
      apart: () => StoredSubscription | undefined
    },
  ) {
    const { isStored, stored, apart } = options
    this.#apart = apart
    this.isStored = isStored
    this.key = key
    this.query = query
    this.isWindowed = isWindowed(query)
    this.#stored = stored
  }

  /** Its documents are here, as of the last change message. */
  get isComplete(): boolean {
    return this.denial === undefined && this.isStored && this.#stored()?.complete === true
  }

  /**
   * Its documents were here when the copy could not be continued, or when they were found to differ, and nobody has said
   * since that they still are there, or for this reader. Or it is refused, and the store still has it.
   */
  get isInDoubt(): boolean {
    const stored = this.isStored ? this.#stored() : undefined
    if (!stored) return false
    return this.denial !== undefined || this.isDoubted || (!stored.complete && stored.after === undefined)
  }

  /** Of a snapshot that came in part: the last id of it, behind which it may go on. */
  get after(): DocId | undefined {
    if (this.isWindowed || this.isComplete) return undefined
    if (this.assembly?.named) return undefined
    if (this.assembly?.isReplacing) return this.assembly.after
    return this.isStored ? this.#stored()?.after : undefined
  }

  /** The most urgent of its holders' wishes. */
  get priority(): Priority {
    const wishes = new Set([...this.holders.keys()].map(({ priority = 'high' }) => priority))
    return priorities.find(priority => wishes.has(priority)) ?? 'low'
  }

  /** As the server has said last, shown or not. */
  get told(): StoredSubscription | undefined {
    return this.#apart() ?? (this.isStored ? this.#stored() : undefined)
  }

  /** The ids in its window; undefined when it has none, or none came yet. */
  get window(): ReadonlySet<DocId> | undefined {
    return this.isStored ? this.#idsOf(this.#stored()) : undefined
  }

  #idsOf(stored: StoredSubscription | undefined): ReadonlySet<DocId> | undefined {
    const ids = this.isWindowed ? stored?.window : undefined
    if (!ids) return undefined
    if (this.#window?.ids !== ids) this.#window = { ids, set: new Set(ids) }
    return this.#window.set
  }

  matches(document: Document): boolean {
    return this.#matches(document)
  }

  /** Is this confirmed document here because of it? Of a refused one nothing should be. */
  isAbout(collection: string, document: Document): boolean {
    return !this.denial && this.has(collection, document)
  }

  /** The same, be it refused or not. */
  has(collection: string, document: Document): boolean {
    if (collection !== this.query.collection) return false
    return this.isWindowed ? this.#idsOf(this.told)?.has(document._id) === true : this.#matches(document)
  }

  /** `patient`: waits for another connection when this one goes. Rejects when the server refuses. */
  arrival(options: { patient: boolean }): Promise<Arrival> {
    if (this.isComplete) return Promise.resolve('ready')
    if (this.denial) return Promise.reject(this.denial)
    return new Promise((resolve, reject) => this.#waiters.push({ patient: options.patient, resolve, reject }))
  }

  arrived(): void {
    for (const waiter of this.#waiters.splice(0)) waiter.resolve('ready')
  }

  lost(): void {
    const impatient = this.#waiters.filter(waiter => !waiter.patient)
    this.#waiters = this.#waiters.filter(waiter => waiter.patient)
    for (const waiter of impatient) waiter.resolve('lost')
  }

  deny(error: CloudError): void {
    this.denial = error
    for (const waiter of this.#waiters.splice(0)) waiter.reject(error)
    for (const holder of [...this.holders.keys()]) holder.denied?.(error)
  }

  /** While what a condition computes with is not loaded, any document may be one of these. */
  #matches(document: Document): boolean {
    const preparing = this.#compiled ? undefined : prepare(this.query)
    if (preparing) {
      preparing.catch(() => undefined)
      return true
    }
    this.#compiled ??= compileFilter(this.query.where)
    return this.#compiled(document)
  }
}
