import { join } from 'node:path'
import { type Cloud, createCloud as createCloudOn } from '@nearcloud/client'
import { MemoryMedium, MemoryStorage } from '@nearcloud/store/memory'
import { nodePlatform } from './node-platform.ts'
import { SqliteStorage } from './sqlite-storage.ts'

export interface NodeCloudOptions {
  /** Where the local stores are kept, one SQLite file each. Absent: nothing is kept beyond the process. */
  readonly folder?: string
}

/** A cloud object for Node. A store belongs to one process at a time: a second one gets STORE_IN_USE. */
export function createCloud(options: NodeCloudOptions = {}): Cloud {
  const { folder } = options
  // a user who comes back finds what was here, for as long as the process lives
  const media = new Map<string, MemoryMedium>()
  const inMemory = (name: string) => {
    const medium = media.get(name) ?? new MemoryMedium()
    media.set(name, medium)
    return new MemoryStorage(medium)
  }
  return createCloudOn(
    nodePlatform(name =>
      folder === undefined ? inMemory(name) : new SqliteStorage(join(folder, `${name}.db`)),
    ),
  )
}
