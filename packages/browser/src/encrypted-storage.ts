import type { RandomBytes } from '@nearcloud/protocol'
import type { Storage } from '@nearcloud/store'
import { LaterStorage } from './later-storage.ts'

/** 32 bytes (or 16), or a key of WebCrypto for AES-GCM; or a way to get one, asked once, at the first opening. */
export type StorageKey = KeyMaterial | (() => Promise<KeyMaterial> | KeyMaterial)
type KeyMaterial = CryptoKey | Uint8Array

export interface EncryptedStorageOptions {
  readonly key: StorageKey
  /** Names the storage: a record of another one is not taken for one of this. */
  readonly name: string
  readonly random: RandomBytes
}

/**
 * A storage whose records say nothing to who has not the key: each payload is sealed by AES-GCM (WebCrypto) on its way to the storage
 * inside. How many records there are, and how long, can be seen.
 *
 * With a key that opens none of its records, or when what is inside is not sealed, `open` rejects with STORE_FAILED (`details.reason`:
 * `key`), and nothing is changed. Rejects with INVALID_PARAM for what is no key. Where another record shows that the key is
 * right, one that it does not open is damaged: it is read as an empty text.
 */
export class EncryptedStorage extends LaterStorage {
  constructor(inside: Storage, options: EncryptedStorageOptions) {
    super(async () => {
      const { SealedStorage } = await import('./sealed-storage.ts')
      return new SealedStorage(inside, options)
    })
  }
}
