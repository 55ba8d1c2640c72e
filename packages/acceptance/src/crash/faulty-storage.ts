import { CloudError } from '@nearcloud/protocol'
import type { Storage } from '@nearcloud/store'

/**
 * What happens at the `call`th call: it fails or never answers, before it has done anything or after. `lie`: it does not write, and says
 * that it has; no store can live with that, so who looks for losses has to find it.
 */
export interface Fault {
  readonly call: number
  readonly how: (typeof faultKinds)[number] | 'lie'
}

export const faultKinds = ['fail', 'fail after', 'stop', 'stop after'] as const

/** Counts the calls of all storages of a client. `fired` is told when the fault's turn has come. */
export class FaultyCalls {
  readonly #fault: Fault | undefined
  readonly #fired: () => void
  #count = 0

  constructor(fault: Fault | undefined, fired: () => void) {
    this.#fault = fault
    this.#fired = fired
  }

  around(storage: Storage): Storage {
    return {
      open: options => this.#at(() => storage.open(options), { close: () => storage.close() }),
      read: after => this.#read(storage, after),
      append: payloads =>
        this.#at(() => storage.append(payloads), { lie: payloads.map((_, n) => 1_000_000 + n) }),
      drop: sequences => this.#at(() => storage.drop(sequences)),
      // one that fails lets go all the same
      close: options => this.#at(() => storage.close(options), { isDone: true }),
    }
  }

  async *#read(storage: Storage, after?: number): ReturnType<Storage['read']> {
    await this.#at(async () => undefined)
    yield* storage.read(after)
  }

  async #at<T>(
    work: () => Promise<T>,
    { close, isDone = false, lie }: { close?: () => Promise<void>; isDone?: boolean; lie?: T } = {},
  ): Promise<T> {
    const { how, call } = this.#fault ?? {}
    if (++this.#count !== call) return work()
    if (how === 'lie') {
      this.#fired()
      return lie ?? work()
    }
    const isStop = how === 'stop' || how === 'stop after'
    if (how === 'fail after' || how === 'stop after' || (isDone && !isStop)) await work()
    this.#fired()
    if (isStop) await new Promise<never>(() => undefined)
    if (how === 'fail after') await close?.() // what could not be opened holds nothing
    throw new CloudError('STORE_FAILED', { errMsg: `the medium failed at call ${call}` })
  }
}
