export type { Peer, Presence } from '@nearcloud/sync'
export type {
  Cloud,
  CloudEvents,
  CloudStatus,
  DatabaseWish,
  DeleteOptions,
  DialectMaker,
  DownloadFileOptions,
  DownloadFileResult,
  FileListResult,
  UrlOptions,
  WithCallback,
} from './cloud.ts'
export { createCloud } from './create-cloud.ts'
export type { EditorPlace, EditorRoom } from './editor-room.ts'
export type { DeletedFile, TempFileURL, UploadFileOptions, UploadFileResult } from './files.ts'
export type { CallFunctionOptions, CallFunctionResult } from './functions.ts'
export type { Auth, SignOutResult, TicketWish, UserOnDevice } from './identity/auth.ts'
export type { Merged } from './identity/device.ts'
export type { LoginState } from './identity/login-state.ts'
export type { PasswordChange, PasswordCredentials } from './identity/password.ts'
export type { AnonymousChoice, SignInOptions, SignInResult } from './identity/sign-in.ts'
export type { InitOptions, SubscribeOption } from './init-options.ts'
export type { Access, HttpRequest, HttpResponse, Platform } from './platform.ts'
export type { CalledEvent } from './queued-calls.ts'
export type { Rejection, RejectionChange, Rejections } from './rejections.ts'
export { bufferOf, type CallbackRequest, isBuffer, requestByCallback } from './request-by-callback.ts'
export { type Fetch, requestByFetch } from './request-by-fetch.ts'
export { slices } from './slices.ts'
export type { CloudStorage, HostStorage, StorageDamage, StorageHealth } from './storage.ts'
export type {
  DownloadProgress,
  DownloadTask,
  HeadersReceived,
  UploadProgress,
  UploadTask,
} from './transfer-task.ts'
