import type { DownOf, Version } from '@nearcloud/protocol'
import type { Confirmed, ConfirmedStep, Store, StoredSubscription } from '@nearcloud/store'
import type { Gone } from './snapshot-assembly.ts'
import type { Subscriptions } from './subscriptions.ts'

/**
 * What a store does whose copy cannot be continued: documents that no subscription will verify are dropped now, and
 * every subscription is incomplete until its snapshot has replaced what is here.
 */
export function resetStep(store: Store, subscriptions: Subscriptions): ConfirmedStep {
  const gone = [...store.collections()].flatMap(collection => ofNobody(store, subscriptions, collection))
  const incomplete = new Map<string, StoredSubscription | null>()
  for (const [key, { letGo }] of store.subscriptions) if (letGo !== undefined) incomplete.set(key, null)
  for (const subscription of subscriptions) {
    const { key, isStored } = subscription
    subscription.isDoubted = true
    subscription.assembly = undefined // what came of a first result was for another view
    const stored = isStored && store.subscriptions.get(key) // one that was let go is on its way out of the store
    if (!stored || stored.letGo !== undefined) continue
    const { after: _, ...rest } = stored
    incomplete.set(key, { ...rest, complete: false })
  }
  return { gone, subscriptions: incomplete }
}

/**
 * Subscriptions the store has and nobody keeps in step: it refused to let them go when it was asked to. They must not be
 * taken for complete later; what is here of one that was not compared is dropped.
 */
export function leftBehind(
  store: Store,
  subscriptions: Subscriptions,
): { readonly gone: readonly Gone[]; readonly subscriptions: ReadonlyMap<string, null> } {
  const left = new Map<string, null>()
  for (const [key, { letGo }] of store.subscriptions) if (letGo === undefined) left.set(key, null)
  for (const { key, isStored } of subscriptions) if (isStored) left.delete(key)
  const gone: Gone[] = []
  for (const key of left.keys()) {
    const { query, complete, after } = store.subscriptions.get(key)!
    if (!complete && after === undefined) gone.push(...ofNobody(store, subscriptions, query.collection))
  }
  return { gone, subscriptions: left }
}

function ofNobody(store: Store, subscriptions: Subscriptions, collection: string): Gone[] {
  const gone: Gone[] = []
  if (subscriptions.isAboutAll(collection)) return gone
  store.eachConfirmed(collection, (document, version) => {
    if (!subscriptions.isAbout(collection, document)) gone.push({ collection, version, id: document._id })
  })
  return gone
}

/**
 * Up to which version the server's history is the one that this copy was made by; undefined when it has all of it. Servers
 * before protocol 4 tell only that it is another.
 */
export function commonWith(
  { checkpoint }: Store,
  { common, lineage, epoch }: DownOf<'welcome'>,
): Version | undefined {
  const isAnother = lineage === undefined && checkpoint.epoch !== undefined && checkpoint.epoch !== epoch
  return isAnother ? 0 : common
}

/**
 * Where the server's history leaves the one that this copy was made by, when documents here are from behind it and the server, which
 * judges by the version of the hello, does not know: what came last was on its way into the store then. Else undefined.
 */
export function partedBehind(store: Store, { common, lineage }: DownOf<'welcome'>): Version | undefined {
  const { epoch: mine } = store.checkpoint
  if (common !== undefined || lineage === undefined) return undefined
  const at = lineage.findIndex(([opening]) => opening === mine)
  const next = at < 0 ? undefined : lineage[at + 1]?.[1]
  return next !== undefined && lostDocuments(store, next).length > 0 ? next : undefined
}

/** Documents here in versions of which the server's history has nothing. */
export function lostDocuments(
  store: Store,
  common: Version,
): readonly (Confirmed & { readonly collection: string })[] {
  return [...store.confirmedDocuments()].filter(({ version }) => version > common)
}
