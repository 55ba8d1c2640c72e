import { CloudError, type ErrorCode, errorNumbers, toCloudError } from '@nearcloud/protocol'

/** The original's other style: with any of these in its options a method answers through them and returns undefined. */
export interface Callbacks<Result> {
  success?(result: Result): void
  fail?(error: CloudError): void
  complete?(result: Result | CloudError): void
}

/**
 * Does the work of one API method in the style its options ask for.
 *
 * Every failure is a CloudError whose errMsg begins with `<api>:fail`. An exception of a callback is not caught here: it
 * surfaces where the host reports unhandled ones.
 */
export function answer<Result>(
  api: string,
  options: unknown,
  style: 'both' | 'promise',
  work: () => Promise<Result>,
): Promise<Result> | undefined {
  const promise = begin(work).catch((thrown: unknown) => {
    throw failure(api, thrown)
  })
  const callbacks = style === 'both' ? callbacksOf<Result>(options) : undefined
  if (!callbacks) return promise
  void promise.then(
    result => {
      try {
        callbacks.success?.(result)
      } finally {
        callbacks.complete?.(result)
      }
    },
    (error: CloudError) => {
      try {
        callbacks.fail?.(error)
      } finally {
        callbacks.complete?.(error)
      }
    },
  )
  return undefined
}

/** The error of a method, in the original's words: `<api>:fail <number> <family>. <what happened>`. */
export function failure(api: string, thrown: unknown): CloudError {
  const error = toCloudError(thrown)
  if (error.errMsg.startsWith(`${api}:fail`)) return error
  const family = families[error.code]
  const errMsg = family
    ? `${api}:fail ${errorNumbers[error.code]} ${family}. ${error.errMsg}`
    : `${api}:fail ${error.errMsg}`
  return new CloudError(error.code, { errMsg, details: error.details, cause: thrown })
}

async function begin<Result>(work: () => Promise<Result>): Promise<Result> {
  return work()
}

function callbacksOf<Result>(options: unknown): Callbacks<Result> | undefined {
  if (typeof options !== 'object' || options === null) return undefined
  const { success, fail, complete } = options as Callbacks<Result>
  return [success, fail, complete].some(each => typeof each === 'function')
    ? (options as Callbacks<Result>)
    : undefined
}

/** The words the original has for its numbers. */
const families: Partial<Record<ErrorCode, string>> = {
  INVALID_PARAM: 'invalid parameters',
  DATABASE_REQUEST_FAILED: 'database request fail',
  DUPLICATE_ID: 'database request fail',
  DATABASE_INVALID_OPERATOR: 'database invalid command',
  DATABASE_PERMISSION_DENIED: 'database permission denied',
  DATABASE_COLLECTION_NOT_EXIST: 'database collection not exists',
}
