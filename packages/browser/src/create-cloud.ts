import { type Cloud, createCloud as createCloudOn } from '@nearcloud/client'
import { orMemory, WatchedStorage } from '@nearcloud/store'
import { browserClock, browserPlatform } from './browser-platform.ts'
import { DexieStorage } from './dexie-storage.ts'

/**
 * A cloud object for a page, on IndexedDB; in memory where the browser has none to give (`status().volatile`). A store belongs to
 * one tab at a time: a second one gets STORE_IN_USE.
 */
export function createCloud(): Cloud {
  return createCloudOn(
    browserPlatform(name => {
      const onDisk = () => new DexieStorage(`nearcloud.${name}`)
      return orMemory(new WatchedStorage(onDisk, { clock: browserClock }))
    }),
  )
}
