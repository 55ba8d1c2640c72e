import { createHash } from 'node:crypto'
import {
  type Clock,
  CloudError,
  type ErrorData,
  type Json,
  type Millis,
  toCloudError,
} from '@nearcloud/protocol'
import type { Environment } from '../../commit/environment.ts'
import { executeFail } from '../function-errors.ts'

/** What became of a call, kept for whoever asks again. */
export type CallOutcome =
  | { readonly result: Json; readonly requestId: string }
  | { readonly error: ErrorData; readonly requestId: string }

export interface CallOnceOptions {
  readonly environment: Pick<Environment, 'engine' | 'env'>
  readonly clock: Pick<Clock, 'now'>
}

/** A call by its key. `run` is asked at most once for it, whatever happens. */
export interface KeyedCall {
  readonly openid: string
  readonly key: string
  readonly name: string
  readonly data: Json
  readonly requestId: string
  run(): Promise<Json>
}

/**
 * Calls of functions that begin once. That a call begins is durable before it does; its outcome is kept, and given to whoever asks
 * again with the key. Of a call during which the server ended nobody knows what it did: it is not run again, and its outcome says so.
 */
export class CallOnce {
  readonly #options: CallOnceOptions
  readonly #beganByUser = new Map<string, Map<string, Begun>>()
  readonly #running = new Map<string, Promise<CallOutcome>>()

  private constructor(options: CallOnceOptions) {
    this.#options = options
  }

  static async open(options: CallOnceOptions): Promise<CallOnce> {
    const calls = new CallOnce(options)
    const { engine, env } = options.environment
    const rows = (await engine.listState(env, beganPrefix)).map(
      ([key, text]) => [key.slice(beganPrefix.length), begunFrom(text)] as const,
    )
    for (const [place, begun] of rows.sort(([, a], [, b]) => a.time - b.time)) {
      const [openid, key] = splitPlace(place)
      calls.#began(openid).set(key, begun)
    }
    return calls
  }

  /**
   * Rejects with INVALID_PARAM for a key that another call had, and with what `run` rejects with when it was not carried out: then
   * the key is free.
   */
  invoke(call: KeyedCall): Promise<CallOutcome> {
    const place = `${call.openid}/${call.key}`
    const asked = digestOf(call)
    const before = this.#began(call.openid).get(call.key)
    if (before && before.asked !== undefined && before.asked !== asked) return Promise.reject(keyTaken(call))
    const running = this.#running.get(place) ?? this.#invoke(place, call, asked)
    this.#running.set(place, running)
    running.then(
      () => this.#running.delete(place),
      () => this.#running.delete(place),
    )
    return running
  }

  async #invoke(place: string, call: KeyedCall, asked: string): Promise<CallOutcome> {
    const { openid, key, name, requestId } = call
    const began = this.#began(openid)
    const { engine, env } = this.#options.environment
    if (began.has(key)) {
      const kept = await engine.readState(env, outcomePrefix + place)
      return kept === undefined ? unknown(name, requestId) : (JSON.parse(kept) as CallOutcome)
    }
    const time = this.#options.clock.now()
    began.set(key, { time, asked })
    await engine.writeState(env, beganPrefix + place, `${time} ${asked}`)
    const outcome = await this.#outcome(call).catch(async (notRun: unknown) => {
      began.delete(key)
      await engine.writeState(env, beganPrefix + place, null)
      throw notRun
    })
    const text = JSON.stringify(outcome)
    const isKept = text.length <= mostKeptLength
    await engine.writeState(
      env,
      outcomePrefix + place,
      isKept ? text : JSON.stringify(tooLarge(name, requestId)),
    )
    await this.#forget(openid)
    return outcome
  }

  async #outcome({ requestId, run }: KeyedCall): Promise<CallOutcome> {
    try {
      return { result: await run(), requestId }
    } catch (thrown) {
      const error = toCloudError(thrown)
      if (notCarriedOut.has(error.code)) throw error
      return { error: error.toJSON(), requestId }
    }
  }

  /** Outcomes but the newest, and calls that are too many or too long ago. */
  async #forget(openid: string): Promise<void> {
    const { engine, env } = this.#options.environment
    const began = this.#began(openid)
    const all = [...began]
    const outcome = all[all.length - 1 - mostOutcomes]
    if (outcome) await engine.writeState(env, `${outcomePrefix}${openid}/${outcome[0]}`, null)
    const longAgo = this.#options.clock.now() - keptMs
    for (const [at, [key, { time }]] of all.slice(0, mostForgotten).entries()) {
      if (time > longAgo && all.length - at <= mostCalls) break
      began.delete(key)
      for (const prefix of [beganPrefix, outcomePrefix])
        await engine.writeState(env, `${prefix}${openid}/${key}`, null)
    }
  }

  #began(openid: string): Map<string, Begun> {
    const known = this.#beganByUser.get(openid)
    if (known) return known
    const began = new Map<string, Begun>()
    this.#beganByUser.set(openid, began)
    return began
  }
}

/** When a call began, and which: of those that servers before this one kept it is not known. */
interface Begun {
  readonly time: Millis
  readonly asked?: string
}

function begunFrom(text: string): Begun {
  const [time, asked] = text.split(' ')
  return { time: Number(time), ...(asked !== undefined && { asked }) }
}

function digestOf({ name, data }: KeyedCall): string {
  return createHash('sha256')
    .update(JSON.stringify([name, data]))
    .digest('hex')
    .slice(0, 24)
}

function keyTaken({ name, key }: KeyedCall): CloudError {
  return new CloudError('INVALID_PARAM', {
    errMsg: `${name}: the key "${key}" was another call's, of another function or with other data: each call has a key of its own`,
    details: { reason: 'key taken' },
  })
}

/** What somebody gives a call so that it begins once. */
export function isCallKey(key: string): boolean {
  return /^[A-Za-z0-9_-]{8,64}$/.test(key)
}

function splitPlace(place: string): readonly [openid: string, key: string] {
  const at = place.lastIndexOf('/')
  return [place.slice(0, at), place.slice(at + 1)]
}

function unknown(name: string, requestId: string): CallOutcome {
  const words = 'the server ended while it ran: what it did is not known, and it is not run again'
  return { error: executeFail(name, requestId, words).toJSON(), requestId }
}

function tooLarge(name: string, requestId: string): CallOutcome {
  const words = `it was carried out; its result of more than ${mostKeptLength} characters is not kept`
  return { error: executeFail(name, requestId, words).toJSON(), requestId }
}

/** These are said before a function runs. */
const notCarriedOut = new Set<CloudError['code']>(['EXCEED_REQUEST_LIMIT', 'ABORTED', 'FUNCTION_NOT_FOUND'])
const beganPrefix = 'call-began/'
const outcomePrefix = 'call-outcome/'
const mostKeptLength = 65_536
/** Of one user. */
const mostOutcomes = 100
const mostCalls = 10_000
const keptMs = 30 * 24 * 3_600_000
const mostForgotten = 100
