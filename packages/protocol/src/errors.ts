import { hasOwn } from './has-own.ts'

/**
 * Every code an error of nearcloud can carry, with the number the original API gives it.
 *
 * The numbers are WeChat's (wx.cloud error table); codes that the original does not have use the number of its
 * nearest family. A code is never removed and never changes its meaning.
 */
export const errorNumbers = {
  // the original's
  SYS_ERR: -501001,
  SERVER_TIMEOUT: -501002,
  EXCEED_REQUEST_LIMIT: -501003,
  INVALID_ENV: -501005,
  INVALID_PARAM: -501007,
  DATABASE_REQUEST_FAILED: -502001,
  DATABASE_INVALID_OPERATOR: -502002,
  DATABASE_PERMISSION_DENIED: -502003,
  DATABASE_COLLECTION_NOT_EXIST: -502005,
  /** Something that the transaction read or wrote was changed by somebody else: run it again. */
  DATABASE_TRANSACTION_CONFLICT: -501001,
  /** The transaction has ended: committed, rolled back, or open for too long. */
  DATABASE_TRANSACTION_FAIL: -501001,
  STORAGE_REQUEST_FAIL: -503001,
  STORAGE_EXCEED_AUTHORITY: -503002,
  STORAGE_FILE_NONEXIST: -503003,
  STORAGE_SIGN_PARAM_INVALID: -503004,
  FUNCTIONS_EXECUTE_FAIL: -504002,
  FUNCTIONS_TIME_LIMIT_EXCEEDED: -504003,
  FUNCTION_NOT_FOUND: -501000,
  // the client SDK's own
  NOT_INITIALIZED: -1,
  DOCUMENT_NOT_FOUND: -1,
  CIRCULAR_REFERENCE: -402001,
  WATCH_FAILED: -402006,
  UPLOAD_TOO_LARGE: -403001,
  // ours
  /** A value that would not survive the trip: see `details.path` and `details.reason`. */
  VALUE_REFUSED: -501007,
  /** The document already exists. */
  DUPLICATE_ID: -502001,
  /** The network is needed and not there. */
  OFFLINE: -601003,
  /** The local store is held by another tab or process. */
  STORE_IN_USE: -401001,
  /** The local store could not be opened, read or written; `cause` has the medium's error. */
  STORE_FAILED: -401001,
  /** No space left for the local store. */
  STORE_FULL: -501017,
  /** Used after `close()`. */
  CLOSED: -1,
  /** A message that does not follow the protocol. */
  PROTOCOL_ERROR: -402007,
  /** The two sides share no version of the protocol. */
  UPGRADE_NEEDED: -402007,
  /** The token is forged, expired or another server's. */
  TOKEN_REFUSED: -501019,
  /** Another user is the active one on this device now, or is about to be. What was durable is kept for the one before. */
  USER_CHANGED: -1,
  /** This user has to sign in again; nothing is lost, and nothing of it is sent before. */
  SIGN_IN_NEEDED: -501019,
  /** The server cannot use its data folder, port or configuration. */
  SERVER_CONFIGURATION: -501001,
  /** The request was cut short by `abort()` or a stop. */
  ABORTED: -1,
} as const

export type ErrorCode = keyof typeof errorNumbers

export interface ErrorOptions {
  /** What was tried and what to do next; the original's form is `<api>:fail <detail>`. */
  errMsg: string
  /** Facts a program may read. They may travel, so nothing in here that the reader may not see. */
  details?: Readonly<Record<string, unknown>>
  /** Stays home: never sent. */
  cause?: unknown
}

/**
 * The one error of nearcloud: `code` from the closed list, `errCode` and `errMsg` as the original API has them.
 *
 * `message` equals `errMsg`. The code decides whether a caller retries; the words never do.
 */
export class CloudError extends Error {
  readonly code: ErrorCode
  readonly errCode: number
  readonly errMsg: string
  readonly details: Readonly<Record<string, unknown>>

  constructor(code: ErrorCode, options: ErrorOptions) {
    super(options.errMsg, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'CloudError'
    this.code = code
    this.errCode = errorNumbers[code]
    this.errMsg = options.errMsg
    this.details = options.details ?? {}
  }

  /** What may travel: code, words and details, never the cause. */
  toJSON(): ErrorData {
    return { code: this.code, errMsg: this.errMsg, details: this.details }
  }
}

export interface ErrorData {
  readonly code: ErrorCode
  readonly errMsg: string
  readonly details?: Readonly<Record<string, unknown>>
}

/** The error again, from what travelled. A code this side does not know becomes SYS_ERR, its name kept in the details. */
export function errorFromData(data: { code: string; errMsg: string; details?: unknown }): CloudError {
  const details = isRecord(data.details) ? data.details : {}
  if (isErrorCode(data.code)) return new CloudError(data.code, { errMsg: data.errMsg, details })
  return new CloudError('SYS_ERR', { errMsg: data.errMsg, details: { ...details, code: data.code } })
}

export function isErrorCode(code: string): code is ErrorCode {
  return hasOwn(errorNumbers, code)
}

/** Any thrown thing as a CloudError; what is not one becomes SYS_ERR with the original as its cause. */
export function toCloudError(thrown: unknown, errMsg?: string): CloudError {
  if (thrown instanceof CloudError) return thrown
  const words = thrown instanceof Error ? thrown.message : String(thrown)
  return new CloudError('SYS_ERR', {
    errMsg: errMsg === undefined ? words : `${errMsg}: ${words}`,
    cause: thrown,
  })
}

/** A truth of our own that breaks is a defect of nearcloud: the message names the truth. */
export function assert(truth: unknown, words: string): asserts truth {
  if (!truth) throw new Error(`broken assertion: ${words}`)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
