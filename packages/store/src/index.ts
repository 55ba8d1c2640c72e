export type { Payload, Storage, StorageInfo, StorageOptions, StoredRecord } from './storage.ts'
