import { CloudError } from '@nearcloud/protocol'
import type { AppendOptions, Payload, Storage, StorageInfo, StorageOptions, StoredRecord } from './storage.ts'

/**
 * A storage that may not be had here: in private windows, in frames of other sites, where the user forbade it. Then memory is
 * in its place and says so (`volatile`). Whatever else is wrong with the storage is an error as before: nobody's data is
 * hidden behind an empty memory.
 */
export function orMemory(storage: Storage): Storage {
  let current = storage
  return {
    async open(options: StorageOptions): Promise<StorageInfo> {
      try {
        return await storage.open(options)
      } catch (thrown) {
        if (!isUnavailable(thrown)) throw thrown
        // loaded apart: nearly everybody has a storage
        const { MemoryStorage } = await import('./memory-storage.ts').catch(() => {
          throw thrown
        })
        current = new MemoryStorage()
        return current.open(options)
      }
    },
    read: (after?: number): AsyncIterable<readonly StoredRecord[]> => current.read(after),
    append: (payloads: readonly Payload[], options?: AppendOptions) => current.append(payloads, options),
    drop: sequences => current.drop(sequences),
    close: options => current.close(options),
  }
}

/** How a storage says that there is none to be had: STORE_FAILED with `unavailable` as its reason. */
export function isUnavailable(thrown: unknown): boolean {
  return thrown instanceof CloudError && (thrown.details as { reason?: unknown }).reason === 'unavailable'
}
