import { type CloudError, toCloudError } from '@nearcloud/protocol'
import { loadAggregation } from '@nearcloud/query'
import { openStore, type RejectedMutation, type Store } from '@nearcloud/store'
import { createSync, type Sync } from '@nearcloud/sync'
import type { Setting } from './init-options.ts'
import type { Platform } from './platform.ts'
import { partsFor, transportFor } from './transport.ts'
import { UploadQueue } from './upload-queue.ts'
import { Uploads, type UploadsOptions } from './uploads.ts'

/** What one `init` opened: a store, its conversation with the server, and the files on their way. */
export interface Instance {
  readonly setting: Setting
  readonly store: Store
  readonly sync: Sync
  readonly queue: UploadQueue
  readonly uploads: Uploads
  close(options?: { destroy?: boolean }): Promise<void>
}

export interface InstanceEvents {
  /** The app wants no connection yet. */
  isHeldOffline(): boolean
  uploaded: UploadsOptions['settled']
  failed(error: CloudError): void
  /** Refused longest ago, and about to go for others. */
  dropped(rejected: readonly RejectedMutation[]): void
}

/** Opens what the device has, then begins to talk to the server. Rejects with STORE_IN_USE, STORE_FAILED, STORE_FULL. */
export async function openInstance(
  platform: Platform,
  setting: Setting,
  events: InstanceEvents,
): Promise<Instance> {
  const { clock, random } = platform
  const { storeName, durability, env, endpoint } = setting
  const store = await openStore({ storage: platform.storage(storeName), random, durability })
  const queue = await UploadQueue.open(platform.storage(`${storeName}.files`), durability).catch(
    async thrown => {
      await store.close()
      throw thrown
    },
  )
  // fetched while there is a network, if not at once then when it is asked for
  void loadAggregation().catch(() => undefined)
  const { cache } = setting
  const transport = transportFor(platform, setting)
  const parts = partsFor(platform, setting)
  const sync = createSync({ store, transport, clock, random, env, cache, ...(parts && { parts }) })
  const uploads = new Uploads({
    queue,
    sync,
    endpoint,
    clock,
    request: request => platform.request(request),
    settled: (file, error) => events.uploaded(file, error),
    failed: error => events.failed(error),
  })
  const stopHints = platform.onConnectivity?.(state => (state === 'online' ? sync.wake() : sync.doubt()))
  const stopEvents = store.onEvent(event => {
    if (event.name === 'rejectionsDropped') events.dropped(event.rejected)
    else events.failed(toCloudError(event.error))
  })
  for (const { query, priority } of setting.subscribe) sync.subscribe(query, { priority })
  if (events.isHeldOffline()) sync.goOffline()
  sync.start()
  return {
    setting,
    store,
    sync,
    queue,
    uploads,
    async close(options) {
      stopHints?.()
      uploads.stop()
      await sync.stop({ isKept: options?.destroy !== true })
      stopEvents()
      await Promise.all([store.close(options), queue.close(options)])
    },
  }
}
