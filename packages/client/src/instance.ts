import { CloudError, toCloudError } from '@nearcloud/protocol'
import { openStore, type RejectedMutation, type Store } from '@nearcloud/store'
import { createSync, type Sync } from '@nearcloud/sync'
import type { Setting } from './init-options.ts'
import { fetchAhead } from './later-files.ts'
import type { Platform } from './platform.ts'
import { type CalledEvent, QueuedCalls } from './queued-calls.ts'
import { partsFor, transportFor } from './transport.ts'
import { UploadQueue } from './upload-queue.ts'
import { Uploads, type UploadsOptions } from './uploads.ts'

/** Whose data an instance is about. */
export interface InstanceUser {
  /** Names its storages. */
  readonly storeName: string
  /** Signed in by name; absent: anonymous. */
  readonly openid?: string
  /** A session token that is new here. */
  readonly token?: string
}

/** What a user has on a device that the server has not decided, and what it refused. */
export interface Undecided {
  readonly writes: number
  readonly files: number
  /** Of functions, which wait for a network. */
  readonly calls: number
  readonly rejections: number
}

/** What is open for one user: a store, its conversation with the server, and the files on their way. */
export interface Instance {
  readonly setting: Setting
  readonly store: Store
  readonly sync: Sync
  /** Files that wait for the server. */
  readonly queue: { readonly size: number }
  readonly uploads: { whenEmpty(): Promise<void> }
  /** Calls of functions that wait for the server. */
  readonly queuedCalls: Pick<QueuedCalls, 'size' | 'bring' | 'whenEmpty'>
  readonly undecided: Undecided
}

/** An instance of this very process. */
export interface OwnInstance extends Instance {
  readonly queue: UploadQueue
  readonly uploads: Uploads
  readonly queuedCalls: QueuedCalls
  /** Begins to talk to the server. */
  start(): void
  /** Gives what was undecided when the last write had been taken. */
  close(options?: { destroy?: boolean }): Promise<Undecided>
}

export interface InstanceEvents {
  /** The app wants no connection yet. */
  isHeldOffline(): boolean
  uploaded: UploadsOptions['settled']
  called(event: CalledEvent): void
  failed(error: CloudError): void
  /** Refused longest ago, and about to go for others. */
  dropped(rejected: readonly RejectedMutation[]): void
}

/**
 * Opens what the device has of a user. Nothing is said to the server before `start`. Rejects with STORE_IN_USE, STORE_FAILED,
 * STORE_FULL.
 */
export async function openInstance(
  platform: Platform,
  setting: Setting,
  user: InstanceUser,
  events: InstanceEvents,
): Promise<OwnInstance> {
  const { clock, random } = platform
  const { durability, env, endpoint } = setting
  const { storeName, openid, token } = user
  const store = await openStore({
    storage: platform.storage(storeName),
    random,
    durability,
    reserveBytes,
    ...(setting.functions && { outbox: setting.functions.outbox() }),
    ...(platform.pause && { pause: platform.pause }),
    first: setting.subscribe.filter(each => each.priority === 'high').map(({ query }) => query.collection),
  })
  const queue = await introduce(store, openid, token)
    .then(() => UploadQueue.open(platform.storage(filesOf(storeName)), durability))
    .catch(async (thrown: unknown) => {
      await store.close()
      throw thrown
    })
  if (platform.inPieces) await platform.inPieces.pause()
  fetchAhead(platform)
  const { cache } = setting
  const transport = transportFor(platform, setting)
  const parts = partsFor(platform, setting)
  const sync = createSync({
    store,
    transport,
    clock,
    random,
    env,
    cache,
    isNamed: openid !== undefined,
    isHeld: text => queue.holds(text),
    ...(parts && { parts }),
    ...(platform.inPieces && { inPieces: platform.inPieces }),
    ...(platform.host && { host: platform.host }),
    ...(platform.text && { text: () => platform.text!() }),
  })
  const uploads = new Uploads({
    queue,
    sync,
    endpoint,
    clock,
    request: request => platform.request(request),
    settled: (file, error) => events.uploaded(file, error),
    failed: error => events.failed(error),
  })
  const queuedCalls = new QueuedCalls({
    queue,
    sync,
    outbox: store.outbox,
    endpoint,
    clock,
    laid: setting.functions?.attend({ queue, sync, store, clock, failed: error => events.failed(error) }),
    request: request => platform.request(request),
    called: event => events.called(event),
    failed: error => events.failed(error),
  })
  const stopHints = platform.onConnectivity?.(state => (state === 'online' ? sync.wake() : sync.doubt()))
  const stopEvents = store.onEvent(event => {
    if (event.name === 'rejectionsDropped') events.dropped(event.rejected)
    else events.failed(toCloudError(event.error))
  })
  if (store.wasLost) events.failed(lost())
  const undecided = (): Undecided => ({
    writes: store.outbox.size,
    files: queue.size,
    calls: queue.calls.length,
    rejections: store.rejected.length,
  })
  return {
    setting,
    store,
    sync,
    queue,
    uploads,
    queuedCalls,
    get undecided() {
      return undecided()
    },
    start() {
      for (const { query, priority } of setting.subscribe) sync.subscribe(query, { priority })
      if (events.isHeldOffline()) sync.goOffline()
      sync.start()
    },
    async close(options) {
      const isKept = options?.destroy !== true
      stopHints?.()
      uploads.stop(isKept)
      queuedCalls.stop()
      await sync.stop({ isKept })
      stopEvents()
      const left = undecided()
      // whoever fails, both have ended: the next user's comes, or it is wiped
      const ended = await Promise.allSettled([store.close(options), queue.close(options)])
      for (const each of ended) if (each.status === 'rejected') throw each.reason
      return left
    },
  }
}

/** A few hundred removals. */
const reserveBytes = 163_840

/** The storage of the files on their way, beside the one of the documents. */
export function filesOf(storeName: string): string {
  return `${storeName}.files`
}

function lost(): CloudError {
  return new CloudError('STORE_FAILED', {
    errMsg:
      'the host has cleared what this app had on the device: it is a new store, and what the server had not been sent is lost',
    details: { reason: 'lost' },
  })
}

/** Whose store it is, before anything is said. Throws STORE_FAILED when it is somebody else's. */
async function introduce(store: Store, openid: string | undefined, token: string | undefined): Promise<void> {
  const known = store.checkpoint.openid
  if (openid !== undefined && known !== undefined && known !== openid)
    throw new CloudError('STORE_FAILED', {
      errMsg: 'the local store of this user holds the data of another one',
    })
  if (openid !== undefined && token !== undefined) await store.confirm({ checkpoint: { openid, token } })
}
