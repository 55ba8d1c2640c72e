import { createHash } from 'node:crypto'
import type { Document } from '@nearcloud/protocol'
import type { Device } from './device.ts'

/** One file that an app wants to be on the server. */
export interface Upload {
  readonly device: Device
  readonly path: string
  readonly fileID: string
  readonly bytes: Uint8Array
  /** Of these bytes, which no other upload has. */
  readonly sha256: string
  /** Nobody else uploads to its path. */
  readonly isAlone: boolean
  /** It was a file once. */
  isThere: boolean
  /** It was in a history that the server does not go on from. */
  isTakenBack: boolean
  /** What the server said against it. */
  readonly refusals: Set<string>
  /** Its app wants it no more. */
  isUnwanted: boolean
  /** Who gave it away is on that device no more. */
  isGone: boolean
  told: 'nothing' | 'done' | 'refused'
}

/** Was it a file once, in whatever history? */
export function wasEver({ isThere, isTakenBack }: Upload): boolean {
  return isThere || isTakenBack
}

/** May it have left the queue? */
export function isDecided(upload: Upload): boolean {
  return wasEver(upload) || upload.isUnwanted || upload.refusals.size > 0
}

/** What the server keeps of a file. */
export type FileRecord = Document & {
  readonly path: string
  readonly size: number
  readonly sha256: string
  readonly blob: string
  readonly _openid?: string
}

export function blobOf({ blob }: FileRecord): string {
  return `/files/blobs/${blob.slice(0, 2)}/${blob}`
}

export function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
