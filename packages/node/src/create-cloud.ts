import { join } from 'node:path'
import { type Cloud, createCloud as createCloudOn } from '@nearcloud/client'
import { MemoryStorage } from '@nearcloud/store'
import { nodePlatform } from './node-platform.ts'
import { SqliteStorage } from './sqlite-storage.ts'

export interface NodeCloudOptions {
  /** Where the local stores are kept, one SQLite file each. Absent: nothing is kept beyond the process. */
  readonly folder?: string
}

/** A cloud object for Node. A store belongs to one process at a time: a second one gets STORE_IN_USE. */
export function createCloud(options: NodeCloudOptions = {}): Cloud {
  const { folder } = options
  return createCloudOn(
    nodePlatform(name =>
      folder === undefined ? new MemoryStorage() : new SqliteStorage(join(folder, `${name}.db`)),
    ),
  )
}
