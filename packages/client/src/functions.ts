import {
  CloudError,
  copyValue,
  encode,
  limits,
  newNonce,
  normalise,
  type RandomBytes,
  toHex,
  type Value,
} from '@nearcloud/protocol'
import type { Instance } from './instance.ts'

export interface CallFunctionOptions {
  readonly name: string
  readonly data?: object
  readonly config?: { readonly env?: string }
  /** Without a network it waits, durably, and begins once when there is one. */
  readonly queue?: boolean
  /** For `queue`: calls with the same key (8 to 64 letters, digits, `-`, `_`) begin once altogether. Default: one of its own. */
  readonly key?: string
}

export interface CallFunctionResult {
  /** What the function returned; null when it returned nothing. */
  readonly result: unknown
  readonly errMsg: string
  readonly requestID: string
  /** It is durable here and waits for a network; the event `called` will say what became of it. */
  readonly pending?: true
  /** Of a call with `queue`. */
  readonly key?: string
}

/**
 * Runs a cloud function, after the writes made before. With `queue` it resolves when the outcome is known or, without a network, when
 * the call is durable here (`pending`). Rejects with INVALID_PARAM, OFFLINE, FUNCTION_NOT_FOUND,
 * FUNCTIONS_EXECUTE_FAIL (with the function's message), FUNCTIONS_TIME_LIMIT_EXCEEDED.
 */
export async function callFunction(
  options: CallFunctionOptions,
  instance: Instance,
  random: RandomBytes,
): Promise<CallFunctionResult> {
  const name: unknown = options?.name
  if (typeof name !== 'string' || name === '')
    throw new CloudError('INVALID_PARAM', { errMsg: '函数名不能为空 (the name of a function is required)' })
  const data = normalise(options.data ?? {}, { name: 'data', serverDates: false })
  if (options.queue === true) return queueCall(instance, name, data, options.key, random)
  const result = await instance.sync.call(name, data).catch((thrown: CloudError) => {
    throw inOriginalWords(thrown)
  })
  return { result: copyValue(result), errMsg: 'cloud.callFunction:ok', requestID: newNonce(random) }
}

async function queueCall(
  { queuedCalls, store }: Instance,
  name: string,
  data: Value,
  wanted: string | undefined,
  random: RandomBytes,
): Promise<CallFunctionResult> {
  const key = wanted ?? toHex(random(16))
  if (typeof key !== 'string' || !/^[A-Za-z0-9_-]{8,64}$/.test(key))
    throw new CloudError('INVALID_PARAM', {
      errMsg: 'callFunction: a key has 8 to 64 letters, digits, "-" or "_"',
    })
  const text = encode(data)
  if (text.length > limits.frameBytes)
    throw new CloudError('INVALID_PARAM', { errMsg: `callFunction: more than ${limits.frameBytes} bytes` })
  const after = store.checkpoint.nextMutation - 1
  const progress = await queuedCalls.bring({ key, name, data: text, after })
  const errMsg = 'cloud.callFunction:ok'
  if ('error' in progress) throw inOriginalWords(progress.error)
  if ('waits' in progress) return { result: null, errMsg, requestID: '', key, pending: true }
  return { result: copyValue(progress.result), errMsg, requestID: progress.requestId, key }
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
