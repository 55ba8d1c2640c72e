/**
 * Where the bytes of files are: whole blobs, and uploads that are not whole yet.
 *
 * Laws. Implementers owe: a blob is what was uploaded, whole, or it does not exist; when `finish` resolved it survives
 * the loss of power; it never changes; what `append` resolved with is received again after a restart, or less of it.
 * Names are never taken from users, and never made into a path unread. Callers owe: one call at a time for an upload;
 * upload names of 64 hex digits; a record that names the blob before anybody is shown it.
 * `testing/blobs-suite.ts` checks all of it on every implementation.
 */
export interface Blobs {
  /** How many bytes of an upload are here; 0 for one that never began. */
  received(upload: string): Promise<number>
  /**
   * Adds bytes behind those received, as they come, and resolves with how many are here then. When they stop coming
   * (`bytes` throws) those that came are kept. Rejects with UPLOAD_TOO_LARGE when there would be more than `most`, and
   * with STORE_FULL when there is no space: the upload is discarded then.
   */
  append(upload: string, bytes: AsyncIterable<Uint8Array>, most: number): Promise<number>
  /** Makes the upload a blob if it is these bytes, and resolves with its key. Discards it and resolves with null if not. */
  finish(upload: string, expected: { size: number; sha256: string }): Promise<string | null>
  discard(upload: string): Promise<void>
  /** How many bytes are here of each upload that is not whole. */
  unfinished(): Promise<ReadonlyMap<string, number>>
  /** How many bytes a blob has; undefined when there is none. */
  sizeOf(key: string): Promise<number | undefined>
  /** The bytes from `start` up to and including `end`; null when there is no such blob. */
  read(key: string, start: number, end: number): Promise<ReadableStream<Uint8Array> | null>
  delete(key: string): Promise<void>
  /** Removes uploads, and blobs that `isNamed` does not know, not touched since `before`; resolves with how many. */
  sweep(before: number, isNamed: (keys: readonly string[]) => Promise<ReadonlySet<string>>): Promise<number>
}
