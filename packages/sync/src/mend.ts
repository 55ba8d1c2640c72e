import type { Version } from '@nearcloud/protocol'
import type { Confirmed, ConfirmedStep, Store } from '@nearcloud/store'
import type { Pull } from './pull.ts'
import type { lostDocuments } from './reset.ts'
import type { SessionParts } from './session-parts.ts'
import type { Subscription } from './subscription.ts'
import type { Subscriptions } from './subscriptions.ts'
import type { HistoryLost } from './sync.ts'

/*
 * What is done when a copy turns out to be none of what the server has. Fetched when it is needed, which is hardly ever.
 */

/**
 * Has a query brought anew that is not here as the server has it, and what may show what differs. Resolves with these; with
 * none when nobody wants it any more.
 */
export async function mend(options: {
  readonly store: Store
  readonly subscriptions: Subscriptions
  readonly pull: Pull
  readonly subscription: Subscription
  isStillDoubted(): boolean
}): Promise<readonly Subscription[]> {
  const { store, subscriptions, pull, subscription } = options
  const { collection } = subscription.query
  if (!options.isStillDoubted()) return [] // it was let go meanwhile
  // nothing is newer than what was said last: a copy that pretends to be would not hear what is said next
  const forged = [...store.confirmedDocuments(collection)].filter(
    ({ document, version }) => version > pull.version && subscription.matches(document),
  )
  // a window is not compared, and what it shows may be what differs
  const windows = [...subscriptions].filter(
    ({ isComplete, isWindowed, query }) => isComplete && isWindowed && query.collection === collection,
  )
  const doubted = [subscription, ...windows]
  const incomplete = doubted.map(each => {
    const { key, query, window } = each
    each.isDoubted = true
    return [key, { query, complete: false, ...(window && { window: [...window] }) }] as const
  })
  await store.confirm({ ...asOldest(forged), subscriptions: new Map(incomplete) })
  for (const each of doubted) {
    each.isDoubted = false
    subscriptions.restart(each)
  }
  return doubted
}

/**
 * The server has less of the history than this store, up to `common`. Versions above that cannot be compared: what is `lost` is
 * put again as the oldest of all, so that whatever the server says of it counts. What is pending and had seen more counts as
 * having seen nothing.
 */
export async function cut(
  parts: SessionParts,
  common: Version,
  lost: ReturnType<typeof lostDocuments>,
): Promise<HistoryLost> {
  const { store } = parts
  const { version } = store.checkpoint
  await store.confirm({ ...asOldest(lost), cut: common })
  const mutations = parts.lostMutations
  parts.lostMutations = 0
  return {
    version,
    common,
    mutations,
    count: lost.length,
    documents: lost.slice(0, mostNamed).map(({ collection, document }) => ({ collection, id: document._id })),
  }
}

/** Lost documents that an event names. */
const mostNamed = 100

/** Whatever the server says of these documents counts from now on. */
function asOldest(
  documents: readonly (Confirmed & { readonly collection: string })[],
): Pick<ConfirmedStep, 'gone' | 'puts'> {
  return {
    gone: documents.map(({ collection, document, version }) => ({ collection, version, id: document._id })),
    puts: documents.map(({ collection, document }) => ({ collection, version: 0, document })),
  }
}
