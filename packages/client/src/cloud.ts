import type { DocId } from '@nearcloud/protocol'
import type { Callbacks, Database, DatabaseOptions, Executor, Following, Query } from '@nearcloud/query'
import type { Arriving, Presence, Sync, SyncEvents } from '@nearcloud/sync'
import type { EditorPlace, EditorRoom } from './editor-room.ts'
import type { DeletedFile, TempFileURL, UploadFileOptions, UploadFileResult } from './files.ts'
import type { CallFunctionOptions, CallFunctionResult } from './functions.ts'
import type { Auth } from './identity/auth.ts'
import type { Merged } from './identity/device.ts'
import type { LoginState } from './identity/login-state.ts'
import type { InitOptions } from './init-options.ts'
import type { CalledEvent } from './queued-calls.ts'
import type { Rejection, Rejections } from './rejections.ts'
import type { CloudStorage, StorageDamage } from './storage.ts'
import type { DownloadTask, UploadTask } from './transfer-task.ts'

/**
 * The cloud object an app holds: the original's (`wx.cloud`), with a local store underneath, and what an offline app
 * wants to know besides.
 *
 * Methods of the original take its callbacks (`success`, `fail`, `complete`) or give a promise. Before `init` they
 * reject with NOT_INITIALIZED; when the local store cannot be opened, with the reason.
 */
export interface Cloud {
  /** Opens the local store in the background and begins to sync. The last call wins. Throws INVALID_PARAM. */
  init(options?: InitOptions): void
  /** Resolves when the local store is open. Rejects with STORE_IN_USE, STORE_FAILED, STORE_FULL. */
  ready(): Promise<void>

  /** In another dialect: `database({ as: createCloudbaseDatabase })`, from `@nearcloud/query/dialects`. */
  database<Dialect>(options: DatabaseWish & { readonly as: DialectMaker<Dialect> }): Dialect
  /** With `throwOnNotFound: false` what `doc(id).get()` finds may be null. */
  database(options: DatabaseWish & { readonly throwOnNotFound: false }): Database<null>
  database(options?: DatabaseWish): Database

  callFunction(options: CallFunctionOptions & Callbacks<CallFunctionResult> & WithCallback): undefined
  callFunction(options: CallFunctionOptions): Promise<CallFunctionResult>

  uploadFile(options: UploadFileOptions & Callbacks<UploadFileResult> & WithCallback): UploadTask
  uploadFile(options: UploadFileOptions): Promise<UploadFileResult>

  downloadFile(options: DownloadFileOptions & Callbacks<DownloadFileResult> & WithCallback): DownloadTask
  downloadFile(options: DownloadFileOptions): Promise<DownloadFileResult>

  getTempFileURL(options: UrlOptions & Callbacks<FileListResult<TempFileURL>> & WithCallback): undefined
  getTempFileURL(options: UrlOptions): Promise<FileListResult<TempFileURL>>

  deleteFile(options: DeleteOptions & Callbacks<FileListResult<DeletedFile>> & WithCallback): undefined
  deleteFile(options: DeleteOptions): Promise<FileListResult<DeletedFile>>

  /**
   * Keeps a query in step until `close`, whoever asks for it: `db.collection('todos').where(…)`, or a collection by name
   * with what of it is wanted (absent: all).
   */
  subscribe(what: { toQuery(): Query } | string, where?: object): Following

  /**
   * Who else is there now: a room by any name, or the room of a document, for those who may read it. Nothing of it is kept.
   * Throws INVALID_PARAM for what is no room.
   */
  presence(room: string | { readonly collection: string; readonly id: DocId }): Presence

  /**
   * Where an unmodified `y-websocket` provider finds a text field. Rejects with OFFLINE before the first connection. (An editor
   * that is bound to `doc(id).text(path)` instead works offline from the beginning, and needs no provider.)
   */
  editorRoom(place: EditorPlace): Promise<EditorRoom>

  /** Returns the way to stop. Listeners outlive an `init`. */
  on<Name extends keyof CloudEvents>(name: Name, listener: (detail: CloudEvents[Name]) => void): () => void
  /** Online; no write, no file and no call waits; everything subscribed is here and in step. Waits while offline. */
  whenSynced(): Promise<void>
  /** Stays without a connection until `goOnline`, whatever the network does and whoever signs in. Another `init` begins online. */
  goOffline(): void
  goOnline(): void
  status(): CloudStatus
  /** Has this document changes that the server has not answered? */
  isPending(collection: string, id: DocId): boolean
  /** Who uses this device: anonymous at once, signed in by name later; what each has here is kept apart. */
  auth(): Auth
  /** Where what is here is kept, and how safe it is there. */
  readonly storage: CloudStorage
  /** What the server refused. */
  readonly rejections: Rejections
  /**
   * Writes are durable already: this ends the conversation and releases the store. `destroy` removes the data of the active
   * user.
   */
  close(options?: { readonly destroy?: boolean }): Promise<void>
}

/** At least one callback: the original's other style. */
export type WithCallback =
  | { success: (result: never) => void }
  | { fail: (error: never) => void }
  | { complete: (result: never) => void }

export interface DownloadFileOptions {
  readonly fileID: string
  readonly config?: { readonly env?: string }
}

export interface DownloadFileResult {
  readonly tempFilePath: string
  readonly statusCode: number
  readonly errMsg: string
}

export interface UrlOptions {
  readonly fileList: readonly (string | { readonly fileID: string; readonly maxAge?: number })[]
}

export interface DeleteOptions {
  readonly fileList: readonly string[]
  readonly config?: { readonly env?: string }
}

export interface FileListResult<Item> {
  readonly fileList: readonly Item[]
  readonly errMsg: string
}

export interface CloudEvents extends SyncEvents {
  /** The server refused a mutation: its effect is taken back, and it is in `rejections`. */
  rejected: SyncEvents['rejected'] & { readonly rejection: Rejection }
  /** More was refused than `rejections` holds: these, the oldest, go right after this, unless they are retried now. */
  rejectionsDropped: { readonly rejections: readonly Rejection[] }
  /** Some of what was on this device was lost or broken when the store was opened. */
  storageDamaged: StorageDamage
  /** Another user is the active one, with a store of its own. */
  userChanged: LoginState
  /** What an anonymous user owned on the server is the active one's now (`anonymousData: 'merge'`). */
  merged: Merged
  /** What became of a call that had waited (`callFunction` with `queue`), also in an earlier life of the app. */
  called: CalledEvent
  /** A file that had waited is on the server. */
  uploaded: { readonly fileID: string }
  /** The server refused a file; it is out of the queue. */
  uploadRejected: { readonly fileID: string; readonly code: string; readonly reason: string }
}

export interface CloudStatus {
  /** `opening`: the local store is not open yet; `closed`: before `init` and after `close`. */
  readonly state: Sync['state'] | 'opening' | 'closed'
  /** Writes the server has not answered. */
  readonly pending: number
  /** Files on their way. */
  readonly uploads: number
  /** Calls that wait for a network. */
  readonly calls: number
  /** Writes that were refused, and neither retried nor discarded. */
  readonly rejected: number
  /** Who the server says this device is. */
  readonly openid: string | undefined
  /** What is followed and not here yet, with how much of it is. */
  readonly arriving: readonly Arriving[]
  /** The device keeps nothing: what is not synced is lost with the process. */
  readonly volatile: boolean
}

export interface DatabaseWish {
  readonly env?: string
  readonly throwOnNotFound?: boolean
}

/** Makes a database of whatever carries out what it describes. */
export type DialectMaker<Dialect> = (
  executor: Executor,
  options: Omit<DatabaseOptions, 'limits'> & Partial<Pick<DatabaseOptions, 'limits'>>,
) => Dialect
