import { CloudError } from '@nearcloud/protocol'
import type {
  AppendOptions,
  Payload,
  Storage,
  StorageInfo,
  StorageOptions,
  StoredRecord,
} from '@nearcloud/store'
import type { EncryptedStorageOptions, StorageKey } from './encrypted-storage.ts'

/** What `EncryptedStorage` is, once it is needed. */
export class SealedStorage implements Storage {
  readonly #inside: Storage
  readonly #options: EncryptedStorageOptions
  readonly #about: Uint8Array<ArrayBuffer>
  #key: CryptoKey | undefined

  constructor(inside: Storage, options: EncryptedStorageOptions) {
    this.#inside = inside
    this.#options = options
    this.#about = utf8.encode(options.name)
  }

  async open(options: StorageOptions): Promise<StorageInfo> {
    this.#key = await importKey(this.#options.key)
    const info = await this.#inside.open(options)
    try {
      await this.#checkKey()
    } catch (thrown) {
      await this.#inside.close().catch(() => undefined)
      throw thrown
    }
    return { ...info, maxPayloadBytes: info.maxPayloadBytes - sealBytes }
  }

  async *read(after?: number): AsyncIterable<readonly StoredRecord[]> {
    for await (const page of this.#inside.read(after))
      yield await Promise.all(page.map(record => this.#openedOrDamaged(record)))
  }

  async append(payloads: readonly Payload[], options?: AppendOptions): Promise<readonly number[]> {
    return this.#inside.append(await Promise.all(payloads.map(payload => this.#sealed(payload))), options)
  }

  drop(sequences: readonly number[]): Promise<void> {
    return this.#inside.drop(sequences)
  }

  close(options?: { destroy?: boolean }): Promise<void> {
    return this.#inside.close(options)
  }

  async #sealed(payload: Payload): Promise<Uint8Array> {
    const isText = typeof payload === 'string'
    const content = isText ? utf8.encode(payload) : payload
    const plain = new Uint8Array(content.length + 1)
    plain[0] = isText ? textMark : bytesMark
    plain.set(content, 1)
    const iv = Uint8Array.from(this.#options.random(ivBytes))
    const body = await crypto.subtle.encrypt(this.#algorithm(iv), this.#key!, plain)
    const sealed = new Uint8Array(1 + ivBytes + body.byteLength)
    sealed[0] = format
    sealed.set(iv, 1)
    sealed.set(new Uint8Array(body), 1 + ivBytes)
    return sealed
  }

  /** One record that it opens shows that a key is the right one. */
  async #checkKey(): Promise<void> {
    let failure: unknown
    for await (const page of this.#inside.read())
      for (const record of page) {
        try {
          await this.#opened(record)
          return
        } catch (thrown) {
          failure ??= thrown
        }
      }
    if (failure !== undefined) throw failure
  }

  async #openedOrDamaged(record: StoredRecord): Promise<StoredRecord> {
    const { sequence, payload } = record
    try {
      return await this.#opened(record)
    } catch (thrown) {
      // what is text, or of a format that is not known, is whole perhaps, and not to be mended
      const isOurs = typeof payload === 'string' ? payload === '' : !payload.length || payload[0] === format
      if (!isOurs) throw thrown
      return { sequence, payload: '' }
    }
  }

  async #opened({ sequence, payload }: StoredRecord): Promise<StoredRecord> {
    if (typeof payload === 'string') throw this.#failed('it is not encrypted')
    const iv = payload.slice(1, 1 + ivBytes)
    const body = payload.slice(1 + ivBytes)
    let plain: Uint8Array
    try {
      plain = new Uint8Array(await crypto.subtle.decrypt(this.#algorithm(iv), this.#key!, body))
    } catch (cause) {
      throw this.#failed('it was made with another, or is damaged', cause)
    }
    const content = plain.subarray(1)
    return { sequence, payload: plain[0] === textMark ? text.decode(content) : content.slice() }
  }

  #algorithm(iv: Uint8Array<ArrayBuffer>): AesGcmParams {
    return { name: 'AES-GCM', iv, additionalData: this.#about }
  }

  #failed(why: string, cause?: unknown): CloudError {
    return new CloudError('STORE_FAILED', {
      errMsg: `the key does not open the local store "${this.#options.name}": ${why}. Nothing of it was changed`,
      details: { reason: 'key' },
      cause,
    })
  }
}

async function importKey(given: StorageKey): Promise<CryptoKey> {
  const material: unknown = typeof given === 'function' ? await given() : given
  if (material instanceof CryptoKey && material.algorithm.name === 'AES-GCM') return material
  if (material instanceof Uint8Array && (material.length === 32 || material.length === 16))
    return crypto.subtle.importKey('raw', Uint8Array.from(material), 'AES-GCM', false, ['encrypt', 'decrypt'])
  throw new CloudError('INVALID_PARAM', {
    errMsg: 'a key is 32 or 16 bytes (a Uint8Array), or a CryptoKey for AES-GCM',
  })
}

const utf8 = new TextEncoder()
const text = new TextDecoder('utf-8', { ignoreBOM: true })
const format = 1
const textMark = 0
const bytesMark = 1
const ivBytes = 12
/** Of what is around a payload: format, iv, mark and tag. */
const sealBytes = 1 + ivBytes + 1 + 16
