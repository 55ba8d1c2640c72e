import type { Down, ErrorData, Up } from '@nearcloud/sync'
import type { LocalCall } from '../functions.ts'
import type { Merged } from '../identity/device.ts'
import type { DeviceUser } from '../identity/register.ts'

/** What is said on the channel of a store. `to`: a tab, or whoever leads. */
export type Message =
  /** The data of the active user is to be removed, and whoever goes on begins anew. */
  | { readonly type: 'destroy' }
  /** Somebody leads from now on. */
  | { readonly type: 'leads'; readonly leader: string }
  /** Is anybody there? */
  | { readonly type: 'ping'; readonly from: string }
  | { readonly type: 'pong'; readonly leader: string; readonly device: DeviceStatus | undefined }
  /** `session` names this attempt: what is said of an earlier one is not heard. */
  | { readonly type: 'join'; readonly from: string; readonly session: string }
  | {
      readonly type: 'joined'
      readonly to: string
      readonly session: string
      readonly leader: string
      readonly user: DeviceUser
      readonly device: DeviceStatus
    }
  | { readonly type: 'up'; readonly session: string; readonly leader: string; readonly message: Up | Wish }
  /** Numbered from 1 in each session. */
  | {
      readonly type: 'down'
      readonly to: string
      readonly session: string
      readonly number: number
      readonly message: Down | News
    }
  /** The user is not the active one any more, or the leader leaves. */
  | {
      readonly type: 'over'
      readonly to: string
      readonly session: string
      readonly reason: 'userChanged' | 'closed'
    }
  | { readonly type: 'left'; readonly session: string }
  | {
      readonly type: 'authAnswer'
      readonly to: string
      readonly id: number
      readonly result?: unknown
      readonly error?: ErrorData
    }

/** What concerns the whole device. */
export interface DeviceStatus {
  readonly isOffline: boolean
  readonly uploads: number
  readonly calls: number
  /** Nothing is kept: there is no storage that tabs could share. */
  readonly volatile: boolean
}

/** What came of a call, its result as canonical text. */
export type CallSaid =
  | { readonly result: string; readonly requestId: string }
  | { readonly error: ErrorData }
  | { readonly waits: true }

/** What a tab wants of the device; answered as an `answer`. */
export type Wish =
  | {
      readonly type: 'auth'
      readonly id: number
      readonly method: AuthMethod
      readonly args: readonly unknown[]
    }
  | {
      readonly type: 'upload'
      readonly id: number
      readonly options: { cloudPath: string; fileContent: Uint8Array; contentType: string }
      /** A tab of an older release says none. */
      readonly nonce?: string
    }
  | { readonly type: 'abort'; readonly upload: number }
  | {
      readonly type: 'urls'
      readonly id: number
      readonly asked: readonly { fileID: string; maxAge?: number }[]
    }
  | { readonly type: 'delete'; readonly id: number; readonly asked: readonly string[] }
  | { readonly type: 'whenUploaded'; readonly id: number }
  /** Answered by a `CallSaid`. */
  | { readonly type: 'queueCall'; readonly id: number; readonly call: LocalCall }
  | { readonly type: 'whenCalled'; readonly id: number }
  | { readonly type: 'offline'; readonly isOffline: boolean }

export type AuthMethod =
  | ('signInAnonymously' | 'signInWithCustomTicket' | 'switchTo' | 'users' | 'signOut')
  | ('signIn' | 'signUp' | 'setPassword' | 'signInWithToken')

/** What a tab hears of the device. */
export type News =
  | {
      readonly type: 'uploading'
      readonly upload: number
      readonly progress?: unknown
      readonly header?: unknown
    }
  | { readonly type: 'device'; readonly device: DeviceStatus }
  | { readonly type: 'uploaded'; readonly fileID: string; readonly error?: ErrorData }
  /** `data` and `result` as canonical text. */
  | {
      readonly type: 'called'
      readonly key: string
      readonly name: string
      readonly data: string
      readonly result?: string
      readonly error?: ErrorData
    }
  | { readonly type: 'merged'; readonly merged: Merged }
  /** By their nonces. */
  | { readonly type: 'dropped'; readonly nonces: readonly string[] }
