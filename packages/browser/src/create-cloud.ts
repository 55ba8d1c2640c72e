import { type Cloud, createCloud as createCloudOn } from '@nearcloud/client'
import { browserPlatform } from './browser-platform.ts'
import { DexieStorage } from './dexie-storage.ts'

/** A cloud object for a page, on IndexedDB. A store belongs to one tab at a time: a second one gets STORE_IN_USE. */
export function createCloud(): Cloud {
  return createCloudOn(browserPlatform(name => new DexieStorage(`nearcloud.${name}`)))
}
