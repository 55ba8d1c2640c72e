import {
  type Clock,
  CloudError,
  type DownOf,
  errorFromData,
  limits,
  type Millis,
  type MutationId,
  type UpOf,
  utf8Length,
} from '@nearcloud/protocol'
import type { Store } from '@nearcloud/store'

type Question = UpOf<'count'> | UpOf<'aggregate'> | UpOf<'call'> | UpOf<'files'> | UpOf<'merge'>
/** A question without its number. */
export type Asked = Question extends infer Q ? (Q extends Question ? Omit<Q, 'id'> : never) : never

interface Request {
  readonly asked: Asked
  /** Sent when everything up to this mutation has been answered. */
  readonly after: MutationId
  readonly resolve: (result: unknown) => void
  readonly reject: (error: CloudError) => void
  readonly cancelTimer: () => void
  isSent: boolean
}

/** Questions with one answer: each goes after the writes made before it, and has a time limit. */
export class Requests {
  readonly #clock: Clock
  readonly #limitMs: Millis
  readonly #lastMade: () => MutationId
  readonly #open = new Map<number, Request>()
  #lastId = 0
  #send: ((frame: string) => void) | undefined
  #answeredThrough: MutationId = 0
  #knows: (type: Asked['type']) => boolean = () => true

  /** `lastMade`: the last mutation there is; those behind it were taken back, or are numbered anew. */
  constructor(clock: Clock, limitMs: Millis, lastMade: () => MutationId) {
    this.#clock = clock
    this.#limitMs = limitMs
    this.#lastMade = lastMade
  }

  /** Asks, now or when a conversation begins; `after` is the last mutation made. Rejects with SERVER_TIMEOUT, OFFLINE. */
  ask(asked: Asked, after: MutationId): Promise<unknown> {
    const id = ++this.#lastId
    return new Promise((resolve, reject) => {
      const cancelTimer = this.#clock.after(this.#limitMs, () => {
        this.#open.delete(id)
        reject(
          new CloudError('SERVER_TIMEOUT', {
            errMsg: `${asked.type}: no answer within ${this.#limitMs / 1000} seconds`,
          }),
        )
      })
      this.#open.set(id, { asked, after, resolve, reject, cancelTimer, isSent: false })
      this.#flush()
    })
  }

  /** `knows`: which questions the server has an answer to. */
  begin(
    send: (frame: string) => void,
    answeredThrough: MutationId,
    knows: (type: Asked['type']) => boolean = () => true,
  ): void {
    this.#send = send
    this.#knows = knows
    this.answered(answeredThrough)
  }

  /** Every mutation up to this one has been decided. */
  answered(through: MutationId): void {
    this.#answeredThrough = through
    this.#flush()
  }

  /** Mutations that were waited for may be there no more. */
  wake(): void {
    this.#flush()
  }

  answer({ id, result, error }: DownOf<'answer'>): void {
    const request = this.#close(id)
    if (error) request?.reject(errorFromData(error))
    else request?.resolve(result)
  }

  /** The conversation is over: what was sent in it gets no answer. */
  ended(): void {
    this.#send = undefined
    this.#fail(({ isSent }) => isSent)
  }

  /** There is no conversation to wait for. */
  lost(): void {
    this.ended()
    this.#fail(() => true)
  }

  /** What was sent may have been carried out: `details.sent` says so. */
  #fail(isConcerned: (request: Request) => boolean): void {
    for (const [id, request] of [...this.#open]) {
      if (!isConcerned(request)) continue
      const { isSent, asked } = request
      this.#close(id)?.reject(
        new CloudError('OFFLINE', {
          errMsg: `${asked.type}: the connection to the server is gone`,
          details: { sent: isSent },
        }),
      )
    }
  }

  #flush(): void {
    for (const [id, request] of this.#open) {
      const after = Math.min(request.after, this.#lastMade())
      if (!this.#send || request.isSent || after > this.#answeredThrough) continue
      if (!this.#knows(request.asked.type)) {
        this.#close(id)?.reject(
          new CloudError('UPGRADE_NEEDED', {
            errMsg: `${request.asked.type}: the server speaks an older version without it: update the server`,
          }),
        )
        continue
      }
      const frame = JSON.stringify({ ...request.asked, id })
      if (frame.length * 3 > most && utf8Length(frame) > most) {
        this.#close(id)?.reject(
          new CloudError('INVALID_PARAM', {
            errMsg: `${request.asked.type}: more than ${most} bytes`,
          }),
        )
        continue
      }
      request.isSent = true
      this.#send(frame)
    }
  }

  #close(id: number): Request | undefined {
    const request = this.#open.get(id)
    this.#open.delete(id)
    request?.cancelTimer()
    return request
  }
}

/** The last mutation made: what is asked next comes after it. */
export function lastMutation(store: Store): MutationId {
  return store.checkpoint.nextMutation - 1
}

/** There was nobody to answer: what is here has to do. */
export function isUnreachable(error: unknown): boolean {
  return error instanceof CloudError && (error.code === 'OFFLINE' || error.code === 'SERVER_TIMEOUT')
}

/** Its number goes before it. */
const most = limits.frameBytes - 1_024
