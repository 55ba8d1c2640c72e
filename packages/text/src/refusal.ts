import { CloudError, type ErrorCode } from '@nearcloud/protocol'

/**
 * Why an update may not be applied. None is an honest editor's, except `limit`.
 *
 * `malformed`: not a V1 update, or one that no editor makes. `forged`: it writes as somebody else. `gap`: it stands on
 * what this side has never seen. `content`: what a field does not hold (another root, a subdocument, a key that reaches a
 * prototype). `limit`: too much at once, today, or altogether.
 */
export type RefusalCode = 'malformed' | 'forged' | 'gap' | 'content' | 'limit'

export interface Refusal {
  readonly code: RefusalCode
  /** A few words for the log and the error. Holds nothing of the text. */
  readonly reason: string
}

export function isRefusal(value: object | undefined): value is Refusal {
  return value !== undefined && 'code' in value && 'reason' in value
}

const errorCodes: Readonly<Record<RefusalCode, ErrorCode>> = {
  malformed: 'PROTOCOL_ERROR',
  gap: 'PROTOCOL_ERROR',
  forged: 'DATABASE_PERMISSION_DENIED',
  content: 'VALUE_REFUSED',
  limit: 'EXCEED_REQUEST_LIMIT',
}

/** The refusal as an error of the house; `api` is what was tried, such as `text.apply`. */
export function refusalError(api: string, { code, reason }: Refusal): CloudError {
  return new CloudError(errorCodes[code], {
    errMsg: `${api}:fail the edit was refused: ${reason}`,
    details: { refusal: code, reason },
  })
}
