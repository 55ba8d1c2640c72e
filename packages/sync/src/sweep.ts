import type { DocId, Document, Millis, Version } from '@nearcloud/protocol'
import { compileFilter, type Query } from '@nearcloud/query'
import type { Store, StoredSubscription } from '@nearcloud/store'
import type { EvictionOptions } from './eviction.ts'
import type { Subscriptions } from './subscriptions.ts'

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

export interface SweepOptions extends EvictionOptions {
  /** Names a query. */
  keyOf(query: Query): string
}

/** Drops in one step of the store, a thousand documents at most. True when more remain. Loaded apart: the first sweep is minutes away. */
export async function sweep(options: SweepOptions, most: number): Promise<boolean> {
  const { store, subscriptions, limits, clock } = options
  const now = clock.now()
  const oldest = now - (limits.maxAgeMs ?? maxAgeMs)
  const lapsed = lapsedOf(store)
  const changed = new Map<string, StoredSubscription | null>()
  const cached: Cached[] = []
  for (const collection of collectionsOf(store, subscriptions, lapsed))
    for (const each of cachedIn(store, subscriptions, collection, lapsed)) {
      if (each !== 'stray') cached.push({ ...each, since: each.since < oldest ? 0 : each.since })
      else changed.set(...everythingIn(collection, options.keyOf, now)) // its time begins today
    }
  cached.sort((a, b) => a.since - b.since || a.version - b.version)
  const firstKept = cached.findIndex(({ since }) => since > 0)
  const excess = cached.length - most
  const due = Math.max(firstKept < 0 ? cached.length : firstKept, excess)
  const gone = cached.slice(0, Math.min(due, atOnce))
  for (const { key, isOfUse } of lapsed) if (!isOfUse) changed.set(key, null)
  if (gone.length === 0 && changed.size === 0) return false
  await store.confirm({ gone, subscriptions: changed })
  for (const [collection, count] of countBy(gone)) options.evicted({ collection, count })
  return due > gone.length
}

/** Those that may have cached documents. While a window of one is not known it is left alone. */
function collectionsOf(
  store: Store,
  subscriptions: Subscriptions,
  lapsed: readonly Lapsed[],
): ReadonlySet<string> {
  const collections = new Set(store.collections())
  for (const { query, isWindowed, isComplete, denial } of subscriptions) {
    const isWhole = isComplete && !isWindowed && query.where[0] === 'and' && query.where[1].length === 0
    const isOpen = isWindowed && !isComplete && !denial
    if (isWhole || isOpen) collections.delete(query.collection)
    if (isOpen) for (const each of lapsed) each.isOfUse ||= each.query.collection === query.collection
  }
  return collections
}

function* cachedIn(
  store: Store,
  subscriptions: Subscriptions,
  collection: string,
  lapsed: readonly Lapsed[],
): Iterable<Cached | 'stray'> {
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

function everythingIn(
  collection: string,
  keyOf: SweepOptions['keyOf'],
  letGo: Millis,
): [key: string, subscription: StoredSubscription] {
  const query: Query = { collection, where: ['and', []], orderBy: [], skip: 0 }
  return [keyOf(query), { query, complete: false, letGo }]
}

function countBy(gone: readonly Cached[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const { collection } of gone) counts.set(collection, (counts.get(collection) ?? 0) + 1)
  return counts
}

const maxAgeMs = 30 * 86_400_000
const atOnce = 1_000
/** Queries that were let go and are remembered. */
const mostLapsed = 200
