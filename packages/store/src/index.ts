export type { Damage } from './load.ts'
export { type OpenStoreOptions, openStore } from './open-store.ts'
export { isUnavailable, orMemory } from './or-memory.ts'
export type { Outbox } from './outbox.ts'
export type { Entry, Origin } from './records.ts'
export type { AppendOptions, Payload, Storage, StorageInfo, StorageOptions, StoredRecord } from './storage.ts'
export type {
  Checkpoint,
  CommitContext,
  CommitReceipt,
  Confirmed,
  ConfirmedStep,
  Draft,
  DraftJson,
  LoggedGroup,
  Lot,
  OutboxView,
  RejectedMutation,
  Store,
  StoredSubscription,
  StoreEvent,
} from './store.ts'
export type { StoredText, TextPlace, TextStep } from './texts.ts'
export { WatchedStorage, type WatchedStorageOptions } from './watched-storage.ts'
