import {
  CloudError,
  copyValue,
  encode,
  limits,
  newNonce,
  normalise,
  toHex,
  type Value,
} from '@nearcloud/protocol'
import type { Outbox } from '@nearcloud/store'
import type { OwnSync } from '@nearcloud/sync'
import type { Instance } from './instance.ts'
import type { Platform } from './platform.ts'
import type { QueuedCallsOptions } from './queued-calls.ts'
import type { QueuedCall } from './upload-queue.ts'

/** Functions that run on the device as well, and who attends to their calls. */
export interface OfflineFunctions {
  /** Undefined: only the server has one of that name. Rejects with what the function threw, and INVALID_PARAM. */
  run(call: OfflineCall): Promise<OfflineRun> | undefined
  attend(to: Attended): LaidCalls
  /** For the store. */
  outbox(): Outbox
}

export interface OfflineCall {
  readonly name: string
  readonly data: Value
  readonly options: CallFunctionOptions
  readonly instance: Pick<Instance, 'store' | 'sync' | 'setting'>
  readonly host: Pick<Platform, 'clock' | 'random'>
}

/** What came of it here. */
export interface OfflineRun extends Pick<LocalCall, 'key' | 'effects' | 'isAtOnce'> {
  readonly result: Value
}

/** A call that has run here already. */
export interface LocalCall extends QueuedCall {
  /** What it did here, until the server has done it: writes as JSON. */
  readonly effects?: string
  /** Whoever asks is answered as soon as it is durable, and hears of the outcome by the event. */
  readonly isAtOnce?: boolean
}

export interface Attended extends Pick<QueuedCallsOptions, 'queue' | 'clock' | 'failed'> {
  readonly store: Instance['store']
  readonly sync: OwnSync
}

/** What calls do here until the server has done it. */
export interface LaidCalls {
  /** What it did here is shown, and it is kept by `add`: both, or neither. */
  keep(call: QueuedCall, effects: string, add: () => Promise<void>): Promise<void>
  /** While the server is asked, and when it has answered. Gives what was asked for. */
  settled<T extends { readonly version?: unknown }>(call: QueuedCall, asked: Promise<T>): Promise<T>
}

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
  /** What the function returned, here where it is `pending`; null when it returned nothing. */
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
 * the call is durable here (`pending`). One that `init` was given runs here at once, and the server runs it when there is a network:
 * without `queue` it resolves when what it did here is durable (`pending`). Rejects with INVALID_PARAM, OFFLINE, FUNCTION_NOT_FOUND,
 * FUNCTIONS_EXECUTE_FAIL (with the function's message), FUNCTIONS_TIME_LIMIT_EXCEEDED.
 */
export async function callFunction(
  options: CallFunctionOptions,
  instance: Instance,
  host: Pick<Platform, 'clock' | 'random'>,
): Promise<CallFunctionResult> {
  const name: unknown = options?.name
  if (typeof name !== 'string' || name === '')
    throw new CloudError('INVALID_PARAM', { errMsg: '函数名不能为空 (the name of a function is required)' })
  const data = normalise(options.data ?? {}, { name: 'data', keys: 'call', serverDates: false })
  const ran = await instance.setting.functions?.run({ name, data, options, instance, host })
  if (ran) return queueCall(instance, name, data, ran)
  const { key = toHex(host.random(16)), queue } = options
  if (queue === true) return queueCall(instance, name, data, { key })
  const result = await instance.sync.call(name, data).catch((thrown: CloudError) => {
    throw inOriginalWords(thrown)
  })
  return { result: copyValue(result), errMsg: 'cloud.callFunction:ok', requestID: newNonce(host.random) }
}

async function queueCall(
  { queuedCalls, store }: Instance,
  name: string,
  data: Value,
  { result: here = null, key, ...local }: Partial<OfflineRun> & Pick<OfflineRun, 'key'>,
): Promise<CallFunctionResult> {
  if (typeof key !== 'string' || !/^[A-Za-z0-9_-]{8,64}$/.test(key))
    throw new CloudError('INVALID_PARAM', {
      errMsg: 'callFunction: a key has 8 to 64 letters, digits, "-" or "_"',
    })
  const text = encode(data)
  if (text.length > limits.frameBytes)
    throw new CloudError('INVALID_PARAM', { errMsg: `callFunction: more than ${limits.frameBytes} bytes` })
  const after = store.checkpoint.nextMutation - 1
  const progress = await queuedCalls.bring({ key, name, data: text, after, ...local })
  const errMsg = 'cloud.callFunction:ok'
  if ('error' in progress) throw inOriginalWords(progress.error)
  if ('waits' in progress) return { result: copyValue(here), errMsg, requestID: '', key, pending: true }
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
