import type { Damage, Store } from '@nearcloud/store'
import type { Platform } from './platform.ts'

/** Where what is kept on this device is kept, and how safe it is there. */
export interface CloudStorage {
  /** Waits for the store to be open; rejects with the reason when it cannot be. */
  health(): Promise<StorageHealth>
  /**
   * Asks the host not to remove what is kept, whatever happens to its disk; whether it promised. Asked by itself after the first
   * write of a run; a host may ask the user. False where there is nobody to ask.
   */
  persist(): Promise<boolean>
}

export interface StorageHealth {
  /**
   * `volatile`: nothing is kept beyond this run. `full`: less than a tenth of the room is left. `eviction`: the host may remove
   * everything when its disk is short, or after weeks without a visit. `none`: none of it, as far as the host tells.
   */
  readonly risk: 'none' | 'eviction' | 'full' | 'volatile'
  readonly volatile: boolean
  /** The host promised to keep it. Undefined: it does not tell. */
  readonly persisted: boolean | undefined
  /** What this app uses, and may use, of everything the host counts for it; undefined: it does not tell. */
  readonly usageBytes: number | undefined
  readonly quotaBytes: number | undefined
  /** What was found broken when the store was opened. */
  readonly damage: StorageDamage | undefined
  /** Writes that are on this device alone. */
  readonly pending: number
}

/** Something of the local store was gone or not what had been written. It is mended; the server brings again what it has. */
export interface StorageDamage {
  /** `everything` that was here; the latest `changes`; `documents` of some collections. */
  readonly lost: Damage['lost']
  /** So many writes were found of which nobody knows whether the server has them: they are in `rejections`. */
  readonly found: number
}

/** What a host knows of its storage. */
export interface HostStorage {
  readonly persisted?: boolean
  readonly usageBytes?: number
  readonly quotaBytes?: number
}

export function createStorage(platform: Platform, opened: () => Promise<Store>): CloudStorage {
  return {
    async health() {
      const store = await opened()
      const { persisted, usageBytes, quotaBytes } = (await platform.storageState?.()) ?? {}
      const isFull = usageBytes !== undefined && quotaBytes !== undefined && usageBytes > quotaBytes * 0.9
      const risk = isFull ? 'full' : persisted === false ? 'eviction' : 'none'
      return {
        risk: store.volatile ? 'volatile' : risk,
        volatile: store.volatile,
        persisted,
        usageBytes,
        quotaBytes,
        damage: damageOf(store),
        pending: store.outbox.size,
      }
    },
    persist: async () => (await platform.persistStorage?.()) ?? false,
  }
}

export function damageOf({ damage, wasLost }: Store): StorageDamage | undefined {
  if (damage) return { lost: damage.lost, found: damage.found.length }
  return wasLost ? { lost: 'everything', found: 0 } : undefined
}
