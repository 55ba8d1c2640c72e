import type { Access, HttpRequest, HttpResponse, InitOptions } from '@nearcloud/client'
import type { AppendOptions, Payload, StorageInfo, StorageOptions, StoredRecord } from '@nearcloud/store'
import type { ErrorData } from '@nearcloud/sync'
import type { StorageKey } from '../encrypted-storage.ts'

/** What a worker does for a page. An error travels as data: it would not be a `CloudError` on the other side. */
export interface WorkerHouse {
  /** Says that the worker is there. */
  answer(): true
  /** `id` names it from now on. */
  openStorage(id: string, wish: StorageWish, options: StorageOptions): Promise<Told<StorageInfo>>
  /** The records above `after`, as many as are read at once; none: that was all. */
  readStorage(id: string, after: number): Promise<Told<readonly StoredRecord[]>>
  append(id: string, payloads: readonly Payload[], options?: AppendOptions): Promise<Told<readonly number[]>>
  drop(id: string, sequences: readonly number[]): Promise<Told<void>>
  closeStorage(id: string, options?: { destroy?: boolean }): Promise<Told<void>>
  connect(id: string, url: string, listener: WorkerListener): void
  /** How many bytes wait to leave. */
  send(id: string, frame: string): number
  disconnect(id: string): void
  /** Opens a cloud of the worker's own, which leads. `id` names it; `close` ends it. */
  open(id: string, options: InitOptions, key?: StorageWish['key']): Promise<Told<void>>
  close(id: string): Promise<Told<void>>
  request(request: Omit<HttpRequest, 'onSent'>, sent?: (bytes: number) => void): Promise<Told<HttpResponse>>
}

export interface StorageWish {
  readonly name: string
  readonly access?: Access
  /** Asked for already. */
  readonly key?: Exclude<StorageKey, () => unknown>
}

export interface WorkerListener {
  opened(): void
  received(frame: string): void
  closed(reason: { code: number; words: string }): void
}

export type Told<Result> = { readonly result: Result } | { readonly error: ErrorData }
