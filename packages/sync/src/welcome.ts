import { CloudError, type DownOf, type Millis, type Version } from '@nearcloud/protocol'
import type { ConfirmedStep } from '@nearcloud/store'
import { forkStep, isKnownAs, missingAbove, unknownHere, unknownOf } from './greeting.ts'
import { pendingById, refusedAt, tellAccepted, tellRejected, touchedBy } from './outcome-events.ts'
import { commonWith, leftBehind, lostDocuments, partedBehind, resetStep } from './reset.ts'
import type { SessionParts } from './session-parts.ts'
import type { HistoryLost } from './sync.ts'

export type Welcomed =
  /** The conversation goes on. `recalled`: the documents to ask for first, when the welcome wants that. */
  | { readonly kind: 'known'; readonly recalled: ReturnType<typeof touchedBy> | undefined }
  /** The store goes on under another client id, or with less than its hello said; the next conversation tells. */
  | { readonly kind: 'forked' }

/**
 * What the answer to a hello means for this store, durable when this resolves: what of it goes on, what begins anew, and what
 * became of the mutations that were sent. `helloAt` is when the hello was said.
 */
export async function takeWelcome(
  parts: SessionParts,
  welcome: DownOf<'welcome'>,
  helloAt: Millis,
): Promise<Welcomed> {
  const { store, subscriptions, serverClock, pull, dialect } = parts
  if (welcome.protocol !== dialect.version)
    throw new CloudError('UPGRADE_NEEDED', {
      errMsg: `the server speaks protocol ${welcome.protocol}, this client ${dialect.version}`,
    })
  if (!isKnownAs(store, welcome)) {
    await fork(parts, welcome)
    return { kind: 'forked' }
  }
  const { openid } = store.checkpoint
  if (welcome.resumed && openid !== undefined && openid !== welcome.openid)
    throw new CloudError('PROTOCOL_ERROR', { errMsg: 'the server resumed the copy of another user' })

  const { epoch } = store.checkpoint
  if (epoch !== undefined && epoch !== welcome.epoch && (await hasParted(parts, welcome)))
    return { kind: 'forked' }
  serverClock.correct(welcome.time, helloAt)
  pull.begin(welcome.version)
  const rejected = refusedAt(serverClock.now(), [
    ...pull.outcomes(welcome.outcomes),
    ...unknownOf(store, welcome),
  ])
  const mutations = pendingById(store, rejected)
  const recalled = welcome.recall && touchedBy(store, welcome.lastMutation)
  const common = commonWith(store, welcome)
  // before the epoch: a process that dies in between is told of the other history once more
  const lost = common === undefined ? undefined : await cut(parts, common)
  // looked at when nothing is waited for before it is stored: a query may be let go at any moment
  const reset: ConfirmedStep = welcome.resumed ? {} : resetStep(store, subscriptions)
  const left = leftBehind(store, subscriptions)
  const step: ConfirmedStep = {
    ...reset,
    gone: [...(reset.gone ?? []), ...left.gone],
    subscriptions: new Map([...(reset.subscriptions ?? []), ...left.subscriptions]),
    rejected,
    ...(common !== undefined && { cut: common }),
    checkpoint: {
      token: welcome.token,
      openid: welcome.openid,
      epoch: welcome.epoch,
      lineage: welcome.lineage,
      viewKey: welcome.viewKey,
      version: welcome.version,
    },
  }
  await store.confirm(step)
  for (const subscription of subscriptions) subscription.isDoubted = false // the store says so
  tellRejected(parts, rejected, mutations)
  if (lost) parts.events.emit('historyLost', lost)
  return { kind: 'known', recalled }
}

/** The server is another than the last time. Is this copy of a history that parted from its own? Then it goes on without that. */
async function hasParted(parts: SessionParts, welcome: DownOf<'welcome'>): Promise<boolean> {
  const { store, subscriptions, events } = parts
  await store.confirm({}) // what the conversation before had brought may still be on its way into the store
  const parted = partedBehind(store, welcome)
  if (parted === undefined) return false
  await store.confirm(resetStep(store, subscriptions))
  events.emit('historyLost', await cut(parts, parted))
  return true
}

/** The server has less of the history than this store: what it lost counts for nothing from here on. */
async function cut(parts: SessionParts, common: Version): Promise<HistoryLost> {
  const { cut } = await import('./mend.ts')
  return cut(parts, common, lostDocuments(parts.store, common))
}

/** The store goes on under another client id. */
async function fork(parts: SessionParts, welcome: DownOf<'welcome'>): Promise<void> {
  const { store, random, serverClock, events } = parts
  const isServers = commonWith(store, welcome) !== undefined
  if (isServers) parts.lostMutations += missingAbove(store, welcome.lastMutation)
  const known = unknownHere(store, welcome)
  const { step, decided, undone } = forkStep(store, welcome, random)
  const rejected = refusedAt(serverClock.now(), undone)
  const mutations = pendingById(store, [...decided, ...rejected])
  await store.confirm({ ...step, rejected: [...rejected, ...(step.rejected ?? [])] })
  if (!isServers) events.emit('storageSetBack', { mutations: known })
  tellAccepted(parts, decided, mutations)
  tellRejected(parts, rejected, mutations)
  for (const mutation of store.outbox.mutations) events.emit('pending', { mutation })
}
