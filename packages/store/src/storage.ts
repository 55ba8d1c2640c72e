/**
 * The storage contract: a log of records on some medium. Everything a store keeps — documents, outbox, checkpoints —
 * is records; what is in them is the store's business alone.
 *
 * Laws. Implementers owe: a payload is found whole or not at all after a crash; record n is never found without record
 * n−1 of the same or an earlier `append` (unless dropped); sequence numbers only grow, also across reopening and after
 * drops; `append` resolves when its payloads are as durable as asked at `open`, and rejects when nothing of it was
 * written (STORE_FULL for no space, STORE_FAILED otherwise, the medium's error as `cause`); `drop` is idempotent,
 * may be lazy, and losing it in a crash is harmless. Callers owe: one `open` first, one `append` in flight at a time,
 * nothing after `close`. `testing/storage-suite.ts` checks all of it on every implementation.
 */
export interface Storage {
  /** Opens or creates. STORE_IN_USE when another tab or process holds it; STORE_FAILED when the medium refuses. */
  open(options: StorageOptions): Promise<StorageInfo>
  /** All records with a sequence number above `after` (default: all), ascending, in batches. */
  read(after?: number): AsyncIterable<readonly StoredRecord[]>
  /** Adds the payloads in this order; their sequence numbers. */
  append(payloads: readonly Payload[], options?: AppendOptions): Promise<readonly number[]>
  /** Removes records. */
  drop(sequences: readonly number[]): Promise<void>
  /** Releases everything, also when it rejects; `destroy` removes the data first. */
  close(options?: { destroy?: boolean }): Promise<void>
}

export type Payload = string | Uint8Array

export interface AppendOptions {
  /** It makes room, sooner or later, and is little: a medium that can take it where there is none for anything else takes it. */
  readonly isRelief?: boolean
}

export interface StoredRecord {
  readonly sequence: number
  readonly payload: Payload
}

export interface StorageOptions {
  /** `relaxed`: survives the death of the process; `strict`: also power loss. */
  readonly durability: 'relaxed' | 'strict'
}

export interface StorageInfo {
  /** No payload may be larger. */
  readonly maxPayloadBytes: number
  /** Data is gone when the process ends: a memory storage, or a fallback to one. */
  readonly volatile: boolean
  /** What was here before was taken away by the host, and this is a new beginning. Mediums that can tell say so. */
  readonly wasLost?: boolean
}
