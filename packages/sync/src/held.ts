import { CloudError } from '@nearcloud/protocol'
import type { Store } from '@nearcloud/store'
import type { pendingById, refusedAt, Told, tellRejected } from './outcome-events.ts'
import type { Hold, Push, sendingText } from './push.ts'
import type { ServerClock } from './server-clock.ts'

export interface HeldParts extends Told {
  readonly store: Store
  readonly push: Push
  readonly serverClock: Pick<ServerClock, 'now'>
  readonly sendingText: typeof sendingText
  readonly pendingById: typeof pendingById
  readonly refusedAt: typeof refusedAt
  readonly tellRejected: typeof tellRejected
  /** Does something between two messages of the conversation; not at all when there is none. */
  between(task: () => Promise<void>): void
}

interface Refusal {
  readonly isConcerned: Hold
  readonly error: CloudError
  resolve(): void
  reject(error: CloudError): void
}

/**
 * Rejects here what was held, and will never be sent. The numbers of those mutations are given again, so it happens in a
 * conversation, when the server has decided everything it was ever told.
 */
export class Held {
  readonly #parts: HeldParts
  #refusals: readonly Refusal[] = []

  constructor(parts: HeldParts) {
    this.#parts = parts
  }

  /** Resolves when no mutation that `isConcerned` knows waits to be sent. Rejects with OFFLINE when the conversation ends before. */
  refuse(isConcerned: Hold, error: CloudError): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#refusals = [...this.#refusals, { isConcerned, error, resolve, reject }]
      this.advance()
    })
  }

  /** Something was decided, or made. */
  advance(): void {
    const { store, push, sendingText, between } = this.#parts
    const { size, mutations } = store.outbox
    if (this.#refusals.length === 0 || size > mutations.length) return
    const texts = push.unsent.map(sendingText)
    const isWaiting = ({ isConcerned }: Refusal) => texts.some(isConcerned)
    const done = this.#refusals.filter(refusal => !isWaiting(refusal))
    this.#refusals = this.#refusals.filter(isWaiting)
    for (const { resolve } of done) resolve()
    if (this.#refusals.length > 0) between(() => this.#reject())
  }

  /** There is no conversation any more. */
  lost(): void {
    const refusals = this.#refusals
    this.#refusals = []
    for (const { reject } of refusals)
      reject(new CloudError('OFFLINE', { errMsg: 'the connection to the server is gone' }))
  }

  async #reject(): Promise<void> {
    const { store, push, serverClock, sendingText, pendingById, refusedAt, tellRejected } = this.#parts
    const { unsent } = push
    if (unsent.length < store.outbox.size) return // there is more to be decided, or to become durable
    const rejected = unsent.flatMap(mutation => {
      const text = sendingText(mutation)
      const refusal = this.#refusals.find(({ isConcerned }) => isConcerned(text))
      if (!refusal) return []
      const { code, errMsg: reason, details } = refusal.error
      return { id: mutation.id, code, reason, details }
    })
    if (rejected.length === 0) return
    const pending = pendingById(store, rejected)
    const dated = refusedAt(serverClock.now(), rejected)
    await push.pausedFor(() => store.confirm({ rejected: dated, closeUp: true }))
    tellRejected(this.#parts, dated, pending)
    this.advance()
  }
}
