import { type Cloud, createCloud as createCloudOn } from '@nearcloud/client'
import { createTabsCloud } from '@nearcloud/client/tabs'
import { orMemory, type Storage, WatchedStorage } from '@nearcloud/store'
import { browserCrossing } from './browser-crossing.ts'
import { browserClock, browserPlatform } from './browser-platform.ts'
import { DexieStorage } from './dexie-storage.ts'

/**
 * A cloud object for a page, on IndexedDB; in memory where the browser has none to give (`status().volatile`). Tabs with the same
 * store share it: one of them talks to the server. Where the browser has no Web Locks (an address that is neither https nor
 * localhost) nothing keeps two tabs apart: name another `store` in each.
 */
export function createCloud(): Cloud {
  const platform = browserPlatform((name, access): Storage => {
    const onDisk = () => new DexieStorage(`nearcloud.${name}`, { ...(access && { access }) })
    const watched = new WatchedStorage(onDisk, { clock: browserClock })
    // what another tab has in its memory cannot be read
    return access === 'read' ? watched : orMemory(watched)
  })
  const shared = browserCrossing()
  return shared ? createTabsCloud({ ...platform, ...shared }) : createCloudOn(platform)
}
