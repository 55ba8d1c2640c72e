import './text-types.ts'
import type { Cloud } from '@nearcloud/client'
import { createCloud } from './create-cloud.ts'

export { browserClock, browserPlatform } from './browser-platform.ts'
export { type CloudOptions, createCloud } from './create-cloud.ts'
export { DexieStorage, type DexieStorageOptions } from './dexie-storage.ts'
export { EncryptedStorage, type EncryptedStorageOptions, type StorageKey } from './encrypted-storage.ts'
export { nextTask } from './next-task.ts'
export { WebSocketTransport } from './web-socket-transport.ts'

/** The page's cloud object, as `wx.cloud` is a mini program's. */
const cloud: Cloud = createCloud()
export default cloud
