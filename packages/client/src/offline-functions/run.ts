import { type Clock, CloudError, fractionFrom, newDocId, seedOfCall, type Write } from '@nearcloud/protocol'
import type { Executor } from '@nearcloud/query'
import type { OpenTransaction } from '@nearcloud/query/transactions'
import type { Store } from '@nearcloud/store'
import { Sha256 } from '../sha256.ts'
import { Scratch } from './scratch.ts'

export interface Caller {
  /** Of the queued call. */
  readonly key: string
  readonly openid: string | undefined
  readonly env: string
  readonly store: Store
  readonly clock: Clock
}

/** One run of a function on the device. */
export class Run {
  readonly #call: Caller
  readonly #scratch: Scratch
  readonly executor: Executor
  #ids = 0
  /** It asked for documents: what it did since may be otherwise on the server. */
  hasRead = false
  /** What the function asked for that only the server has. */
  wish: string | undefined

  constructor(call: Caller) {
    this.#call = call
    this.#scratch = new Scratch({
      store: call.store,
      now: () => call.clock.now(),
      random: () => fractionFrom(this.#bytes),
      reads: () => {
        this.hasRead = true
      },
      leaveToServer: wish => this.leaveToServer(wish),
    })
    this.executor = this.#scratch.executor()
  }

  get writes(): readonly Write[] {
    return this.#scratch.writes
  }

  context() {
    const { openid, env } = this.#call
    return { OPENID: openid ?? this.leaveToServer('the caller'), APPID: env, ENV: env, SOURCE: 'wx_client' }
  }

  /** The nth is that of the server's run, which knows the call by the same key. */
  newId(): string {
    return newDocId(this.#bytes)
  }

  now(): number {
    return this.#call.clock.now()
  }

  readonly #bytes = (size: number): Uint8Array => {
    const { openid, key } = this.#call
    const seed = seedOfCall(openid ?? this.leaveToServer('the caller'), key)
    const hex = new Sha256().update(asciiBytes(`${seed}\n${this.#ids++}`)).hex()
    return Uint8Array.from({ length: size }, (_, at) => Number.parseInt(hex.slice(2 * at, 2 * at + 2), 16))
  }

  begin(): OpenTransaction {
    const open = this.#scratch.fork()
    return {
      executor: open.executor(),
      commit: async () => this.#scratch.take(open),
      rollback: async () => undefined,
    }
  }

  leaveToServer(wish: string): never {
    this.wish ??= wish
    throw new CloudError('OFFLINE', { errMsg: `${wish}: only the server can do that` })
  }
}

let current: Run | undefined

/** Throws ABORTED outside of one. */
export function currentRun(): Run {
  if (current) return current
  throw new CloudError('ABORTED', {
    errMsg: 'the cloud was asked outside an invocation: ask inside exports.main, and await what it answers',
  })
}

/** There is one at a time: `wx-server-sdk` is the same for all of them. */
export function enter(run: Run | undefined): void {
  current = run
}

function asciiBytes(text: string): Uint8Array {
  return Uint8Array.from(text, letter => letter.charCodeAt(0))
}
