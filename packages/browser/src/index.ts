export { DexieStorage, type DexieStorageOptions } from './dexie-storage.ts'
