import { type Clock, CloudError, type ErrorCode, type Millis } from '@nearcloud/protocol'
import { BehaviorSubject, Subject } from 'rxjs'

/** As of a browser; that of the package `ws` is one, too. */
export interface SocketLike {
  onopen: ((event: never) => void) | null
  onmessage: ((event: { readonly data: unknown }) => void) | null
  onclose: ((event: { readonly code: number }) => void) | null
  onerror: ((event: never) => void) | null
  send(text: string): void
  close(): void
}

export interface ConnectionOptions {
  /** Where the collection is replicated: `wss://host/rxdb/todos?key=id`. */
  readonly address: string
  /** How the app calls the collection. */
  readonly collection: string
  /** The access token of who replicates; `isRefused`: the last one was. */
  readonly token: (isRefused: boolean) => string | Promise<string>
  /** What happens is listened to. */
  readonly live: boolean
  /** Requests without an answer, and connections that do not open, are given up after so long. */
  readonly timeoutMs: Millis
  readonly socket: (address: string) => SocketLike
  readonly clock: Pick<Clock, 'after'>
  /** From 0 to 1. */
  readonly random: () => number
}

interface Request {
  readonly text: string
  readonly resolve: (result: unknown) => void
  readonly reject: (error: CloudError) => void
  readonly cancelTimer: () => void
  /** It went out over the connection of now. */
  isSent: boolean
}

/**
 * A conversation with the server about one collection, over as many connections as it takes. A request is sent again over the
 * next one when its connection is lost, and given up when its time is over: then its connection is dropped as well.
 */
export class Connection {
  readonly connected$ = new BehaviorSubject(false)
  /** Results of frames that nobody asked for, by their id. */
  readonly told$ = new Subject<{ readonly id: string; readonly result: unknown }>()
  readonly #options: ConnectionOptions
  readonly #requests = new Map<string, Request>()
  #count = 0
  #socket: SocketLike | undefined
  #isOpen = false
  #isOver = false
  #isRefused = false
  #failures = 0
  #cancelTimer: (() => void) | undefined
  readonly #online = () => this.#hurry()

  constructor(options: ConnectionOptions) {
    this.#options = options
    globalThis.addEventListener?.('online', this.#online)
  }

  /**
   * Asks, and gives the answer. Rejects with OFFLINE when there was none in time, TOKEN_REFUSED, INVALID_PARAM for a collection
   * that cannot be, PROTOCOL_ERROR for what the server does not understand, CLOSED.
   */
  ask(method: string, ...params: readonly unknown[]): Promise<unknown> {
    const { collection, timeoutMs, clock } = this.#options
    return new Promise((resolve, reject) => {
      if (this.#isOver) {
        reject(failure('CLOSED', 'the replication has ended'))
        return
      }
      const id = `n${++this.#count}`
      const text = JSON.stringify({ id, collection, method, params })
      const cancelTimer = clock.after(timeoutMs, () => this.#giveUp(id))
      this.#requests.set(id, { text, resolve, reject, cancelTimer, isSent: false })
      if (this.#isOpen) this.#sendAll()
      else this.#connect()
    })
  }

  close(): void {
    if (this.#isOver) return
    this.#isOver = true
    globalThis.removeEventListener?.('online', this.#online)
    this.#cancelTimer?.()
    this.#forget()
    this.#rejectAll(failure('CLOSED', 'the replication has ended'))
    this.connected$.complete()
    this.told$.complete()
  }

  #connect(): void {
    if (this.#socket || this.#cancelTimer || this.#isOver) return
    const { address, token, socket: make, timeoutMs } = this.#options
    const socket = make(address)
    this.#socket = socket
    this.#after(timeoutMs, () => this.#lost(socket))
    socket.onmessage = ({ data }) => this.#hear(socket, data)
    socket.onclose = ({ code }) => this.#lost(socket, code)
    socket.onerror = () => this.#lost(socket)
    socket.onopen = async () => {
      try {
        const shown = await token(this.#isRefused)
        if (this.#socket === socket) this.#opened(socket, shown)
      } catch (thrown) {
        this.#rejectAll(
          failure('TOKEN_REFUSED', `there is no token: ${String((thrown as Error)?.message ?? thrown)}`),
        )
        this.#lost(socket)
      }
    }
  }

  #opened(socket: SocketLike, token: string): void {
    const { collection, live } = this.#options
    const say = (id: string, method: string, params: readonly unknown[]) =>
      socket.send(JSON.stringify({ id, collection, method, params }))
    say('auth', 'auth', [{ token }])
    if (live) say('stream', 'masterChangeStream$', [])
    this.#isOpen = true
    this.#listen()
    this.#sendAll()
    this.connected$.next(true)
    // what happened meanwhile was not told
    if (live) this.told$.next({ id: 'stream', result: 'RESYNC' })
  }

  /** From time to time it is asked whether anybody is there: a page hears nothing of a connection that died. */
  #listen(): void {
    this.#after(silenceMs, () => {
      this.ask('missing', []).then(
        () => this.#isOpen && this.#listen(),
        () => undefined,
      )
    })
  }

  #sendAll(): void {
    for (const request of this.#requests.values())
      if (!request.isSent) {
        request.isSent = true
        this.#socket!.send(request.text)
      }
  }

  #hear(socket: SocketLike, data: unknown): void {
    if (this.#socket !== socket) return
    let frame: { readonly id?: unknown; readonly result?: unknown }
    try {
      frame = JSON.parse(String(data))
    } catch {
      this.#lost(socket)
      return
    }
    // whoever answers knows who it is
    this.#isRefused = false
    this.#failures = 0
    const id = String(frame?.id)
    const request = this.#requests.get(id)
    if (!request) {
      this.told$.next({ id, result: frame?.result })
      return
    }
    this.#settle(id, request)
    request.resolve(frame.result)
  }

  #giveUp(id: string): void {
    const request = this.#requests.get(id)!
    this.#requests.delete(id)
    request.reject(failure('OFFLINE', `the server did not answer within ${this.#options.timeoutMs} ms`))
    if (request.isSent && this.#socket) this.#lost(this.#socket)
  }

  #settle(id: string, request: Request): void {
    this.#requests.delete(id)
    request.cancelTimer()
  }

  /** The connection is gone, or is not worth keeping: what was not answered is sent over the next one. */
  #lost(socket: SocketLike, code?: number): void {
    if (this.#socket !== socket) return
    this.#forget()
    for (const request of this.#requests.values()) request.isSent = false
    const refusal = code === undefined ? undefined : refusals[code]
    if (code === 4401) this.#isRefused = true
    if (refusal) this.#rejectAll(failure(...refusal))
    if (this.#isOver) return
    const most = Math.min(longestWaitMs, shortestWaitMs * 2 ** Math.min(this.#failures++, 20))
    this.#after(Math.ceil(most * (0.5 + this.#options.random() / 2)), () => {
      if (this.#options.live || this.#requests.size > 0) this.#connect()
    })
  }

  /** The device says it is online again. */
  #hurry(): void {
    if (this.#socket || !this.#cancelTimer) return
    this.#cancelTimer()
    this.#cancelTimer = undefined
    this.#failures = 0
    this.#connect()
  }

  #forget(): void {
    const socket = this.#socket
    this.#socket = undefined
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    if (socket) {
      socket.onopen = socket.onmessage = socket.onclose = null
      socket.onerror = () => undefined
      socket.close()
    }
    if (!this.#isOpen) return
    this.#isOpen = false
    this.connected$.next(false)
  }

  #rejectAll(error: CloudError): void {
    for (const [id, request] of [...this.#requests]) {
      this.#settle(id, request)
      request.reject(error)
    }
  }

  #after(delayMs: Millis, task: () => void): void {
    this.#cancelTimer?.()
    this.#cancelTimer = this.#options.clock.after(delayMs, () => {
      this.#cancelTimer = undefined
      task()
    })
  }
}

function failure(code: ErrorCode, errMsg: string): CloudError {
  return new CloudError(code, { errMsg })
}

/** What the server closes a connection with that is no use to try again as it is. */
const refusals: Readonly<Record<number, readonly [ErrorCode, string]>> = {
  4400: ['PROTOCOL_ERROR', 'the server does not understand what this app asks'],
  4401: ['TOKEN_REFUSED', 'the access token does not hold: sign in again'],
  4404: ['INVALID_PARAM', 'there can be no collection of that name, or no such key or owner field'],
}

const silenceMs: Millis = 20_000
const shortestWaitMs: Millis = 250
const longestWaitMs: Millis = 30_000
