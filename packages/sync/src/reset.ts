import type { Confirmed, ConfirmedStep, Store, StoredSubscription } from '@nearcloud/store'
import type { Subscriptions } from './subscriptions.ts'

/**
 * What a store does whose copy cannot be continued: documents that no subscription will verify are dropped now, and
 * every subscription is incomplete until its snapshot has replaced what is here.
 */
export function resetStep(store: Store, subscriptions: Subscriptions): ConfirmedStep {
  const gone = []
  for (const { collection, document, version } of store.confirmedDocuments())
    if (!subscriptions.isAbout(collection, document)) gone.push({ collection, version, id: document._id })
  const incomplete = new Map<string, StoredSubscription | null>()
  for (const [key, { letGo }] of store.subscriptions) if (letGo !== undefined) incomplete.set(key, null)
  for (const { key, isStored } of subscriptions) {
    const stored = isStored && store.subscriptions.get(key) // one that was let go is on its way out of the store
    if (!stored || stored.letGo !== undefined) continue
    const { after: _, ...rest } = stored
    incomplete.set(key, { ...rest, complete: false })
  }
  return { gone, subscriptions: incomplete }
}

/**
 * Subscriptions the store has and nobody keeps in step: it refused to let them go when it was asked to. They must not be
 * taken for complete later.
 */
export function leftBehind(store: Store, subscriptions: Subscriptions): ReadonlyMap<string, null> {
  const left = new Map<string, null>()
  for (const [key, { letGo }] of store.subscriptions) if (letGo === undefined) left.set(key, null)
  for (const { key, isStored } of subscriptions) if (isStored) left.delete(key)
  return left
}

/**
 * Versions of another history cannot be compared with this one's: every document is put again as the oldest of all, so
 * that whatever the server says of it counts.
 */
export function forgetVersions(store: Store): ConfirmedStep {
  return asOldest(store.confirmedDocuments())
}

export function asOldest(documents: Iterable<Confirmed & { readonly collection: string }>): ConfirmedStep {
  const known = [...documents].filter(({ version }) => version > 0)
  return {
    gone: known.map(({ collection, document, version }) => ({ collection, version, id: document._id })),
    puts: known.map(({ collection, document }) => ({ collection, version: 0, document })),
  }
}
