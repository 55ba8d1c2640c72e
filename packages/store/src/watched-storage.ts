import { type Clock, CloudError, type Millis } from '@nearcloud/protocol'
import type { AppendOptions, Payload, Storage, StorageInfo, StorageOptions, StoredRecord } from './storage.ts'

export interface WatchedStorageOptions {
  readonly clock: Clock
  /** How long a storage may take for anything. Default 10 s. */
  readonly timeoutMs?: Millis
}

/**
 * A storage that may forget to answer. What takes too long is given up: the storage is closed, another is made and opened, and
 * what an append had come to is looked up there. Only when that cannot be done either does the append fail, and it is not
 * there when a later one succeeds.
 */
export class WatchedStorage implements Storage {
  readonly #make: () => Storage
  readonly #clock: Clock
  readonly #timeoutMs: Millis
  #storage: Storage
  #options: StorageOptions | undefined
  /** The last record that is known to be there. */
  #last = 0
  /** An append was given up since, and may be there or still come. */
  #isInDoubt = false

  /** `make` gives one storage after the other, all of the same place. */
  constructor(make: () => Storage, { clock, timeoutMs = 10_000 }: WatchedStorageOptions) {
    this.#make = make
    this.#clock = clock
    this.#timeoutMs = timeoutMs
    this.#storage = make()
  }

  async open(options: StorageOptions): Promise<StorageInfo> {
    this.#options = options
    return this.#inTime('opened', this.#storage.open(options))
  }

  async *read(after?: number): AsyncIterable<readonly StoredRecord[]> {
    const pages = this.#storage.read(after)[Symbol.asyncIterator]()
    try {
      for (;;) {
        const next = await this.#inTime('read', pages.next())
        if (next.done) return
        this.#last = Math.max(this.#last, next.value[next.value.length - 1]?.sequence ?? 0)
        yield next.value
      }
    } finally {
      pages.return?.().catch(() => undefined)
    }
  }

  async append(payloads: readonly Payload[], options?: AppendOptions): Promise<readonly number[]> {
    if (this.#isInDoubt) await this.#dropFrom(await this.#begin())
    try {
      return this.#appended(await this.#inTime('written', this.#storage.append(payloads, options)))
    } catch (thrown) {
      if (!isLate(thrown)) throw thrown
      this.#isInDoubt = true
      const found = await this.#begin().catch(() => {
        throw thrown
      })
      if (isSame(found, payloads)) return this.#appended(found.map(({ sequence }) => sequence))
      await this.#dropFrom(found)
      throw thrown
    }
  }

  async drop(sequences: readonly number[]): Promise<void> {
    if (this.#isInDoubt) return // it may be lost: the next opening drops what is left over
    await this.#inTime('written', this.#storage.drop(sequences))
  }

  close(options?: { destroy?: boolean }): Promise<void> {
    return this.#inTime('closed', this.#storage.close(options))
  }

  #appended(sequences: readonly number[]): readonly number[] {
    this.#isInDoubt = false
    this.#last = sequences[sequences.length - 1] ?? this.#last
    return sequences
  }

  /** What was given up, and came all the same. */
  async #dropFrom(found: readonly StoredRecord[]): Promise<void> {
    if (found.length > 0) await this.#storage.drop(found.map(({ sequence }) => sequence))
    this.#isInDoubt = false
  }

  /** Another storage in the place of this one; what is in it above the last known record. */
  async #begin(): Promise<readonly StoredRecord[]> {
    await this.#inTime('closed', this.#storage.close()).catch(() => undefined)
    this.#storage = this.#make()
    await this.#inTime('opened', this.#storage.open(this.#options!))
    const found: StoredRecord[] = []
    const last = this.#last
    for await (const page of this.read(last)) found.push(...page)
    this.#last = last
    return found
  }

  /** Throws STORE_FAILED, with `late` as its reason, when it takes too long. */
  #inTime<T>(what: string, work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const cancel = this.#clock.after(this.#timeoutMs, () =>
        reject(
          new CloudError('STORE_FAILED', {
            errMsg: `the local store cannot be ${what}: its storage did not answer within ${this.#timeoutMs} ms`,
            details: { reason: 'late' },
          }),
        ),
      )
      work.finally(cancel).then(resolve, reject)
    })
  }
}

function isLate(thrown: unknown): boolean {
  return thrown instanceof CloudError && (thrown.details as { reason?: unknown }).reason === 'late'
}

function isSame(found: readonly StoredRecord[], payloads: readonly Payload[]): boolean {
  return found.length === payloads.length && found.every(({ payload }, at) => isEqual(payload, payloads[at]!))
}

function isEqual(a: Payload, b: Payload): boolean {
  if (typeof a === 'string' || typeof b === 'string') return a === b
  return a.length === b.length && a.every((byte, at) => byte === b[at])
}
