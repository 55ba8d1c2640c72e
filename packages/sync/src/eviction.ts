import type { Clock, DocId, Document, Millis, Version } from '@nearcloud/protocol'
import { compileFilter, type Query } from '@nearcloud/query'
import type { Store, StoredSubscription } from '@nearcloud/store'
import { keyOf } from './followed.ts'
import type { Subscriptions } from './subscriptions.ts'

/** How much is kept of what nobody follows any more. */
export interface CacheLimits {
  /** Default 10,000. */
  readonly maxDocuments?: number
  /** From when its query was let go. Default 30 days. */
  readonly maxAgeMs?: Millis
  /** How often is looked. Default five minutes. */
  readonly everyMs?: Millis
}

export interface EvictionOptions {
  readonly store: Store
  readonly subscriptions: Subscriptions
  readonly clock: Clock
  readonly limits: CacheLimits
  /** Does something between two messages of the conversation under way; not at all when there is none. */
  between(task: () => Promise<void>): void
  evicted(detail: { readonly collection: string; readonly count: number }): void
}

interface Cached {
  readonly collection: string
  readonly id: DocId
  readonly version: Version
  /** When the last query it is in was let go; 0: too long ago. */
  readonly since: Millis
}

/** A query that was let go, and what is here because of it. */
interface Lapsed {
  readonly key: string
  readonly query: Query
  readonly since: Millis
  has(document: Document): boolean
  isOfUse: boolean
}

/**
 * Drops what no followed query has in it: what was let go too long ago, and of the rest the oldest, when there is too
 * much. Only while there is a server to bring it again, and never what has pending writes.
 */
export class Eviction {
  readonly #options: EvictionOptions
  #cancelTimer: () => void = () => undefined
  #isOn = false
  #isMakingRoom = false

  constructor(options: EvictionOptions) {
    this.#options = options
  }

  /** There is a connection. */
  begin(): void {
    if (this.#isOn) return
    this.#isOn = true
    this.#sweepAfter(this.#options.limits.everyMs ?? everyMs)
  }

  end(): void {
    this.#isOn = false
    this.#isMakingRoom = false
    this.#cancelTimer()
  }

  /** The device is full: all that nobody follows goes, and what is dead on the medium. */
  makeRoom(): void {
    if (!this.#isOn || this.#isMakingRoom) return
    this.#isMakingRoom = true
    this.#options.between(async () => {
      try {
        while (await this.#sweep(0)) if (!this.#isOn) break
        await this.#options.store.compact()
      } catch {
        // the next write that is refused asks again
      } finally {
        this.#isMakingRoom = false
      }
    })
  }

  #sweepAfter(delayMs: Millis): void {
    const { clock, between, limits } = this.#options
    this.#cancelTimer()
    this.#cancelTimer = clock.after(delayMs, () =>
      between(async () => {
        const isMore = await this.#sweep()
        if (this.#isOn) this.#sweepAfter(isMore ? soonMs : (limits.everyMs ?? everyMs))
      }),
    )
  }

  /** One step of the store, of a thousand documents at most. True when more remain. */
  async #sweep(most = this.#options.limits.maxDocuments ?? maxDocuments): Promise<boolean> {
    const { store, limits, clock } = this.#options
    const now = clock.now()
    const oldest = now - (limits.maxAgeMs ?? maxAgeMs)
    const lapsed = lapsedOf(store)
    const changed = new Map<string, StoredSubscription | null>()
    const cached: Cached[] = []
    for (const collection of this.#collections(lapsed))
      for (const each of this.#cachedIn(collection, lapsed)) {
        if (each !== 'stray') cached.push({ ...each, since: each.since < oldest ? 0 : each.since })
        else changed.set(...everythingIn(collection, now)) // its time begins today
      }
    cached.sort((a, b) => a.since - b.since || a.version - b.version)
    const firstKept = cached.findIndex(({ since }) => since > 0)
    const excess = cached.length - most
    const due = Math.max(firstKept < 0 ? cached.length : firstKept, excess)
    const gone = cached.slice(0, Math.min(due, atOnce))
    for (const { key, isOfUse } of lapsed) if (!isOfUse) changed.set(key, null)
    if (gone.length === 0 && changed.size === 0) return false
    await store.confirm({ gone, subscriptions: changed })
    for (const [collection, count] of countBy(gone)) this.#options.evicted({ collection, count })
    return due > gone.length
  }

  /** Those that may have cached documents. While a window of one is not known it is left alone. */
  #collections(lapsed: readonly Lapsed[]): ReadonlySet<string> {
    const { store, subscriptions } = this.#options
    const collections = new Set(store.collections())
    for (const { query, isWindowed, isComplete, denial } of subscriptions) {
      const isWhole = isComplete && !isWindowed && query.where[0] === 'and' && query.where[1].length === 0
      const isOpen = isWindowed && !isComplete && !denial
      if (isWhole || isOpen) collections.delete(query.collection)
      if (isOpen) for (const each of lapsed) each.isOfUse ||= each.query.collection === query.collection
    }
    return collections
  }

  *#cachedIn(collection: string, lapsed: readonly Lapsed[]): Iterable<Cached | 'stray'> {
    const { store, subscriptions } = this.#options
    const own = lapsed.filter(({ query }) => query.collection === collection)
    let isStray = false
    for (const { document, version } of store.confirmedDocuments(collection)) {
      const { _id: id } = document
      if (store.outbox.isPending(collection, id) || subscriptions.isAbout(collection, document)) continue
      let since: Millis | undefined
      for (const each of own) {
        if (!each.has(document)) continue
        each.isOfUse = true
        since ??= each.since // the last to be let go comes first
      }
      if (since === undefined) isStray = true
      else yield { collection, id, version, since }
    }
    if (isStray) yield 'stray'
  }
}

/** The last to be let go first; those beyond the limit as long ago as can be. */
function lapsedOf(store: Store): Lapsed[] {
  const lapsed = [...store.subscriptions].filter(([, { letGo }]) => letGo !== undefined)
  lapsed.sort(([, a], [, b]) => b.letGo! - a.letGo!)
  return lapsed.map(([key, { query, letGo, window }], at) => {
    const ids = window && new Set(window)
    const matches = compileFilter(query.where)
    return {
      key,
      query,
      since: at < mostLapsed ? letGo! : 0,
      has: ids ? document => ids.has(document._id) : matches,
      isOfUse: false,
    }
  })
}

function everythingIn(collection: string, letGo: Millis): [key: string, subscription: StoredSubscription] {
  const query: Query = { collection, where: ['and', []], orderBy: [], skip: 0 }
  return [keyOf(query), { query, complete: false, letGo }]
}

function countBy(gone: readonly Cached[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const { collection } of gone) counts.set(collection, (counts.get(collection) ?? 0) + 1)
  return counts
}

const maxDocuments = 10_000
const maxAgeMs = 30 * 86_400_000
const everyMs = 300_000
const soonMs = 1_000
const atOnce = 1_000
/** Queries that were let go and are remembered. */
const mostLapsed = 200
