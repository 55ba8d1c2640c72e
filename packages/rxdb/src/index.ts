export {
  type HandlerOptions,
  type NearcloudCheckpoint,
  type NearcloudHandlers,
  nearcloudHandlers,
  type Refused,
} from './replication/handlers.ts'
export {
  type NearcloudReplication,
  type NearcloudReplicationOptions,
  replicateNearcloud,
} from './replication/replicate-nearcloud.ts'
export { RxdbStorage, type RxdbStorageOptions } from './rxdb-storage.ts'
