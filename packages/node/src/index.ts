import './text-types.ts'

export { createCloud, type NodeCloudOptions } from './create-cloud.ts'
export { nodePlatform } from './node-platform.ts'
export { SqliteStorage, type SqliteStorageOptions } from './sqlite-storage.ts'
export { WsTransport } from './ws-transport.ts'
