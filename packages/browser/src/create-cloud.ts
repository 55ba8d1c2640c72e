import {
  type Access,
  type Cloud,
  createCloud as createCloudOn,
  type InitOptions,
  type Platform,
} from '@nearcloud/client'
import { createTabsCloud, type TabPlatform } from '@nearcloud/client/tabs'
import type { Storage } from '@nearcloud/store'
import { browserCrossing } from './browser-crossing.ts'
import { browserPlatform, browserRandom } from './browser-platform.ts'
import { DexieStorage } from './dexie-storage.ts'
import { EncryptedStorage, type StorageKey } from './encrypted-storage.ts'
import { onceOrAgain } from './once-or-again.ts'
import { watchedStorage } from './watched-storage.ts'
import type { Engine } from './worker/in-worker.ts'
import { hireLater } from './worker/later.ts'

export interface CloudOptions {
  /**
   * Everything that is stored on this device is encrypted with this key: documents, writes and files that wait, tokens. With another
   * one, or for a store that was made without, everything rejects with STORE_FAILED (`details.reason`: `key`), and nothing is
   * changed. All tabs need the same. The key is the app's to keep: without it the store cannot be read by anybody.
   */
  readonly key?: StorageKey
  /**
   * Does what the storage and the network take of a thread: a module worker of the app's in which there is
   * `import '@nearcloud/browser/worker'`. It ends with the page, or when the app ends it after `close`.
   */
  readonly worker?: Worker
  /**
   * What of the work is the worker's. `io` (default): storage and network. `engine`: all of it, syncing, merging and writing down as
   * well; the page reads what the worker has written down, and answers from its own memory as any tab does. Needs Web Locks.
   */
  readonly workerDoes?: 'io' | 'engine'
}

/**
 * A cloud object for a page, on IndexedDB; in memory where the browser has none to give (`status().volatile`). Tabs with the same store share it: one of them talks to the server. Where the browser has
 * no Web Locks (an address that is neither https nor localhost) nothing keeps two tabs apart: name another `store` in each.
 */
export function createCloud({ key, worker, workerDoes = 'io' }: CloudOptions = {}): Cloud {
  const kept = typeof key === 'function' ? onceOrAgain(async () => key()) : key
  const here = browserPlatform((name, access) => {
    const storage = dexieStorage(name, access)
    return kept ? new EncryptedStorage(storage, { key: kept, name, random: browserRandom }) : storage
  })
  const { engine, ...hired } = worker ? hireLater(worker, kept) : {}
  const platform = { ...here, ...hired }
  const shared = browserCrossing()
  if (shared && engine && workerDoes === 'engine') return withEngine(here, shared, engine)
  return shared ? createTabsCloud({ ...platform, ...shared }) : createCloudOn(platform)
}

/** The worker's cloud begins and ends with the page's. */
function withEngine(
  platform: Platform,
  shared: Pick<TabPlatform, 'crossing' | 'aborting'>,
  engine: Engine,
): Cloud {
  const cloud = createTabsCloud({ ...platform, ...shared, isPatient: true })
  const { init, close } = cloud
  return Object.assign(cloud, {
    init(options: InitOptions = {}) {
      init(options)
      engine.begin(options)
    },
    async close(options?: Parameters<Cloud['close']>[0]) {
      await close(options)
      await engine.end()
    },
  })
}

function dexieStorage(name: string, access: Access | undefined): Storage {
  return watchedStorage(() => new DexieStorage(`nearcloud.${name}`, { ...(access && { access }) }), access)
}
