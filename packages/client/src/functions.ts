import { CloudError, copyValue, newNonce, normalise, type RandomBytes } from '@nearcloud/protocol'
import type { Sync } from '@nearcloud/sync'

export interface CallFunctionOptions {
  readonly name: string
  readonly data?: object
  readonly config?: { readonly env?: string }
}

export interface CallFunctionResult {
  /** What the function returned; null when it returned nothing. */
  readonly result: unknown
  readonly errMsg: string
  readonly requestID: string
}

/**
 * Runs a cloud function, after the writes made before. Rejects with INVALID_PARAM, OFFLINE, FUNCTION_NOT_FOUND,
 * FUNCTIONS_EXECUTE_FAIL (with the function's message), FUNCTIONS_TIME_LIMIT_EXCEEDED.
 */
export async function callFunction(
  options: CallFunctionOptions,
  sync: Pick<Sync, 'call'>,
  random: RandomBytes,
): Promise<CallFunctionResult> {
  const name: unknown = options?.name
  if (typeof name !== 'string' || name === '')
    throw new CloudError('INVALID_PARAM', { errMsg: '函数名不能为空 (the name of a function is required)' })
  const data = normalise(options.data ?? {}, { name: 'data', serverDates: false })
  const result = await sync.call(name, data).catch((thrown: CloudError) => {
    throw inOriginalWords(thrown)
  })
  return { result: copyValue(result), errMsg: 'cloud.callFunction:ok', requestID: newNonce(random) }
}

/** What the original's client says of a function that failed. */
function inOriginalWords(error: CloudError): CloudError {
  const { code, errMsg, details } = error
  if (!errMsg.startsWith('errCode:')) return error
  return new CloudError(code, {
    errMsg: `cloud.callFunction:fail Error: ${errMsg}`,
    details,
    cause: error,
  })
}
