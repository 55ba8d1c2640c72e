import type { CloudError, ErrorCode } from '@nearcloud/protocol'

/** What a refusal is in the words of HTTP. */
export function statusOf({ code, details }: CloudError): number {
  switch (details.reason) {
    case 'taken':
      return 409
    case 'closed':
      return 403
    case 'absent':
      return 404
    case 'key':
      return 422
  }
  // a unique key that another document holds
  if (code === 'DATABASE_REQUEST_FAILED' && details.index !== undefined) return 409
  if (code === 'FUNCTIONS_EXECUTE_FAIL' && details.rule === 'invoke') return 403
  return statuses[code] ?? 500
}

const statuses: Readonly<Partial<Record<ErrorCode, number>>> = {
  INVALID_PARAM: 400,
  INVALID_ENV: 400,
  VALUE_REFUSED: 400,
  CIRCULAR_REFERENCE: 400,
  PROTOCOL_ERROR: 400,
  DATABASE_REQUEST_FAILED: 400,
  DATABASE_INVALID_OPERATOR: 400,
  TOKEN_REFUSED: 401,
  SIGN_IN_NEEDED: 401,
  DATABASE_PERMISSION_DENIED: 403,
  STORAGE_EXCEED_AUTHORITY: 403,
  DATABASE_COLLECTION_NOT_EXIST: 404,
  DOCUMENT_NOT_FOUND: 404,
  FUNCTION_NOT_FOUND: 404,
  STORAGE_FILE_NONEXIST: 404,
  SERVER_TIMEOUT: 408,
  DUPLICATE_ID: 409,
  DATABASE_TRANSACTION_CONFLICT: 409,
  UPLOAD_TOO_LARGE: 413,
  STORAGE_REQUEST_FAIL: 422,
  EXCEED_REQUEST_LIMIT: 429,
  FUNCTIONS_EXECUTE_FAIL: 502,
  ABORTED: 503,
  CLOSED: 503,
  STORE_FAILED: 503,
  FUNCTIONS_TIME_LIMIT_EXCEEDED: 504,
  STORE_FULL: 507,
}
