import {
  type Clock,
  CloudError,
  decodeTrusted,
  errorFromData,
  fromJson,
  type Json,
  parseJson,
  textFromUtf8,
  toCloudError,
  type Value,
} from '@nearcloud/protocol'
import type { Store } from '@nearcloud/store'
import type { Sync } from '@nearcloud/sync'
import type { LaidCalls, LocalCall } from './functions.ts'
import type { HttpRequest, HttpResponse } from './platform.ts'
import type { QueuedCall, UploadQueue } from './upload-queue.ts'

/** What became of a call that had waited. */
export interface CalledEvent {
  readonly key: string
  readonly name: string
  readonly data: Value
  /** What the function returned; absent when it failed. */
  readonly result?: unknown
  readonly error?: CloudError
}

export interface QueuedCallsOptions {
  readonly queue: Pick<UploadQueue, 'calls' | 'addCall' | 'removeCall'>
  readonly sync: Pick<Sync, 'access' | 'state' | 'on'>
  readonly outbox: Pick<Store['outbox'], 'find'>
  readonly endpoint: string
  readonly clock: Clock
  /** Attends to calls that have run here. Absent: there are none. */
  readonly laid?: LaidCalls | undefined
  request(request: HttpRequest): Promise<HttpResponse>
  /** The outcome of a call of which somebody was told that it waits. */
  called(event: CalledEvent): void
  /** The queue itself failed; nothing is lost, and it goes on at the next chance. */
  failed(error: CloudError): void
}

/** The outcome, or that it has to wait for a network. */
export type CallProgress = Outcome | { readonly waits: true }

type Outcome =
  | { readonly result: Value; readonly requestId: string; readonly version?: Json | undefined }
  | { readonly error: CloudError; readonly version?: Json | undefined }

/** Those who asked for a call in this life of the queue. */
interface Watch {
  readonly heard: ((progress: CallProgress) => void)[]
  /** Somebody was answered that it waits, perhaps in an earlier life: they hear of the outcome by the event. */
  wasPutOff: boolean
}

/** Brings the calls of the queue to the server, one after the other, each when the writes before it are there. */
export class QueuedCalls {
  readonly #options: QueuedCallsOptions
  readonly #watches = new Map<QueuedCall, Watch>()
  /** On their way into the queue. */
  readonly #coming = new Map<QueuedCall, Promise<void>>()
  readonly #stopListening: readonly (() => void)[]
  #isRunning = false
  #isStopped = false
  #cancelRetry: () => void = () => undefined
  #idle: (() => void)[] = []

  constructor(options: QueuedCallsOptions) {
    this.#options = options
    const { sync } = options
    const wake = () => this.wake()
    this.#stopListening = [
      ...(['online', 'accepted', 'rejected'] as const).map(name => sync.on(name, wake)),
      sync.on('offline', () => this.#tellWaiting()),
    ]
  }

  /**
   * Durable when it resolves. `heard` is told once: the outcome, or that it waits. What waits already under this key is the same
   * call. Rejects with EXCEED_REQUEST_LIMIT, STORE_FULL.
   */
  async add(
    { isAtOnce, effects, ...call }: LocalCall,
    heard: (progress: CallProgress) => void,
  ): Promise<void> {
    const { queue, sync, clock } = this.#options
    const known = [...queue.calls, ...this.#coming.keys()].find(
      ({ key, name, data }) => key === call.key && name === call.name && data === call.data,
    )
    if (!known) await this.#keep(call, effects)
    else if (this.#coming.has(known)) await this.#coming.get(known)
    this.#watch(known ?? call, heard)
    if (isAtOnce) this.#tellWaiting(known ?? call)
    else if (sync.state === 'offline') this.#tellWaiting()
    else
      clock.after(patienceMs, () => {
        if (sync.state !== 'online') this.#tellWaiting()
      })
    this.wake()
  }

  /** How many wait. */
  get size(): number {
    return this.#options.queue.calls.length
  }

  /** Resolves with what came of it, or that it waits. Rejects as `add`. */
  bring(call: LocalCall): Promise<CallProgress> {
    return new Promise((resolve, reject) => {
      this.add(call, resolve).catch(reject)
    })
  }

  async #keep(call: QueuedCall, effects: string | undefined): Promise<void> {
    const { queue, laid } = this.#options
    if (queue.calls.length >= mostCalls)
      throw new CloudError('EXCEED_REQUEST_LIMIT', {
        errMsg: `more than ${mostCalls} calls wait on this device`,
      })
    const add = () => queue.addCall(call)
    const coming = effects !== undefined && laid ? laid.keep(call, effects, add) : add()
    this.#coming.set(call, coming)
    try {
      await coming
    } finally {
      this.#coming.delete(call)
    }
    this.#watches.set(call, { heard: [], wasPutOff: false })
  }

  #watch(call: QueuedCall, heard: (progress: CallProgress) => void): void {
    const watch = this.#watches.get(call) ?? { heard: [], wasPutOff: true }
    watch.heard.push(heard)
    this.#watches.set(call, watch)
  }

  wake(): void {
    this.#cancelRetry()
    if (!this.#isRunning && !this.#isStopped) void this.#run()
  }

  whenEmpty(): Promise<void> {
    if (this.#options.queue.calls.length === 0) return Promise.resolve()
    return new Promise(resolve => this.#idle.push(resolve))
  }

  /** What is not decided stays, and is brought when the store is opened again. */
  stop(): void {
    this.#isStopped = true
    this.#cancelRetry()
    for (const stop of this.#stopListening) stop()
    this.#tellWaiting()
  }

  async #run(): Promise<void> {
    const { queue, sync, clock, laid, failed } = this.#options
    this.#isRunning = true
    try {
      for (let [call] = queue.calls; call && this.#canSend(call); [call] = queue.calls) {
        const asked = this.#ask(call)
        const outcome = await (laid ? laid.settled(call, asked) : asked).catch(toCloudError)
        if (this.#isStopped) return
        if (outcome instanceof CloudError) {
          this.#tellWaiting()
          break
        }
        // what storage does not let go is asked once more when it is opened again, and gets this outcome
        await queue.removeCall(call).catch(thrown => failed(toCloudError(thrown)))
        this.#settle(call, outcome)
      }
    } catch (thrown) {
      if (!this.#isStopped) failed(toCloudError(thrown))
    }
    this.#isRunning = false
    if (queue.calls.length === 0) for (const resolve of this.#idle.splice(0)) resolve()
    else if (!this.#isStopped && sync.state === 'online')
      this.#cancelRetry = clock.after(retryDelayMs, () => this.wake())
  }

  #canSend({ after }: QueuedCall): boolean {
    const { sync, outbox } = this.#options
    // also what storage does not have yet
    const first = outbox.find(() => true)
    return !this.#isStopped && sync.state === 'online' && (first === undefined || first.id > after)
  }

  /** Rejects while it is worth another try. */
  async #ask({ key, name, data }: QueuedCall): Promise<Outcome> {
    const { sync, endpoint, request } = this.#options
    const { status, body } = await request({
      method: 'POST',
      url: `${endpoint}/functions/${encodeURIComponent(name)}`,
      headers: {
        authorization: `Bearer ${sync.access ?? ''}`,
        'content-type': 'application/json',
        'idempotency-key': key,
      },
      body: data,
      timeoutMs: limitMs,
    })
    const said = readAnswer(body)
    if (status === 200 && said?.result !== undefined)
      return {
        result: fromJson(said.result, { keys: 'call' }),
        requestId: String(said.requestId),
        version: said.version,
      }
    if (passing.has(status) || typeof said?.code !== 'string')
      throw new CloudError('OFFLINE', { errMsg: `the call was answered with HTTP ${status}` })
    return { error: errorFromData(said as never), version: said.version }
  }

  #settle(call: QueuedCall, outcome: Outcome): void {
    const watch = this.#watches.get(call)
    this.#watches.delete(call)
    for (const heard of watch?.heard ?? []) heard(outcome)
    if (watch?.wasPutOff === false) return
    const { key, name } = call
    const data = decodeTrusted(call.data, 'call')
    const what = 'error' in outcome ? { error: outcome.error } : { result: outcome.result }
    this.#options.called({ key, name, data, ...what })
  }

  #tellWaiting(only?: QueuedCall): void {
    for (const [call, watch] of this.#watches) {
      if (call !== (only ?? call)) continue
      if (watch.heard.length > 0) watch.wasPutOff = true
      for (const heard of watch.heard.splice(0)) heard({ waits: true })
    }
  }
}

function readAnswer(body: Uint8Array): { readonly [name: string]: Json } | undefined {
  try {
    const said = parseJson(textFromUtf8(body), 200)
    return typeof said === 'object' && said !== null && !Array.isArray(said) ? said : undefined
  } catch {
    return undefined
  }
}

/** Signed in anew, too many calls, a server that stops or is not there: none of it is about the call. */
const passing = new Set([401, 408, 413, 429, 502, 503])
const mostCalls = 1_000
const limitMs = 75_000
const retryDelayMs = 2_000
const patienceMs = 3_000
