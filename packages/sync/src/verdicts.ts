import { CloudError, errorFromData, type Mutation, type MutationId, type Outcome } from '@nearcloud/protocol'
import type { Rejection } from './greeting.ts'

/** What the server accepted, as those who waited for it hear it. */
export interface Verdict {
  readonly id: MutationId
  /** Assignments that a newer edit had overtaken. */
  readonly superseded: readonly string[]
}

interface Waiter {
  resolve(verdict: Verdict): void
  reject(error: CloudError): void
}

/**
 * Who waits for the server's word on a mutation. Mutations go by their nonces here: a store that goes on under another
 * client id numbers them anew.
 */
export class Verdicts {
  readonly #waiting = new Map<string, Waiter>()

  /** Rejects with the server's error when it refuses, with CLOSED when the conversation ends for good before. */
  of({ nonce }: Pick<Mutation, 'nonce'>): Promise<Verdict> {
    const verdict = new Promise<Verdict>((resolve, reject) => this.#waiting.set(nonce, { resolve, reject }))
    verdict.catch(() => undefined) // it may come before somebody looks
    return verdict
  }

  /** The mutation did not happen: there will be no word. */
  forget({ nonce }: Pick<Mutation, 'nonce'>): void {
    this.#waiting.delete(nonce)
  }

  accepted({ nonce }: Mutation, { id, superseded = [] }: Extract<Outcome, { status: 'accepted' }>): void {
    this.#take(nonce)?.resolve({ id, superseded })
  }

  rejected({ nonce }: Mutation, { id, code, reason, details }: Rejection): void {
    const facts = { reason, ...details, rejection: nonce, mutationId: id }
    this.#take(nonce)?.reject(errorFromData({ code, errMsg: reason, details: facts }))
  }

  /** `isKept`: what was written stays here, to be sent another time. */
  close(isKept: boolean): void {
    const words = isKept
      ? 'closed before the server answered: the write is kept here, and sent when this store is opened again'
      : 'closed, and removed from this device, before the server answered'
    for (const { reject } of this.#waiting.values())
      reject(new CloudError('CLOSED', { errMsg: words, details: { isKept } }))
    this.#waiting.clear()
  }

  #take(nonce: string): Waiter | undefined {
    const waiter = this.#waiting.get(nonce)
    this.#waiting.delete(nonce)
    return waiter
  }
}
