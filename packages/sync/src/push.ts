import { limits, type MutationId, mutationToSend } from '@nearcloud/protocol'
import type { OutboxView } from '@nearcloud/store'

/**
 * Sends the outbox: in order, in frames of `limits.pushMutations` or `limits.pushBytes` (a mutation is never split), at
 * most four of them unanswered.
 */
export class Push {
  readonly #outbox: () => OutboxView
  #send: ((frame: string) => void) | undefined
  #sentThrough: MutationId = 0
  #lastSent: string | undefined
  #answeredThrough: MutationId = 0
  /** The last mutation of each frame that was not answered. */
  #unanswered: MutationId[] = []

  constructor(outbox: () => OutboxView) {
    this.#outbox = outbox
  }

  /** Every mutation up to this one has been decided, as far as this conversation knows. */
  get answeredThrough(): MutationId {
    return this.#answeredThrough
  }

  /** The nonce of the last mutation that was ever sent: none behind it was. */
  get lastSent(): string | undefined {
    return this.#lastSent
  }

  /** A conversation is under way; the other side has decided everything up to `decided`. */
  begin(send: (frame: string) => void, decided: MutationId): void {
    this.#send = send
    this.#sentThrough = decided
    this.#answeredThrough = decided
    this.#unanswered = []
    this.wake()
  }

  end(): void {
    this.#send = undefined
  }

  answered(id: MutationId): void {
    this.#answeredThrough = Math.max(this.#answeredThrough, id)
    this.#unanswered = this.#unanswered.filter(last => last > id)
    this.wake()
  }

  /** There may be something to send. */
  wake(): void {
    const { mutations } = this.#outbox()
    let next = firstAfter(mutations, this.#sentThrough)
    while (this.#send && this.#unanswered.length < mostUnanswered && next < mutations.length) {
      const texts: string[] = []
      let size = 0
      while (next < mutations.length && texts.length < limits.pushMutations) {
        const text = JSON.stringify(mutationToSend(mutations[next]!))
        if (texts.length > 0 && size + text.length > limits.pushBytes) break
        size += text.length
        texts.push(text)
        next++
      }
      this.#sentThrough = mutations[next - 1]!.id
      this.#lastSent = mutations[next - 1]!.nonce
      this.#unanswered.push(this.#sentThrough)
      this.#send(`{"type":"push","mutations":[${texts.join(',')}]}`)
    }
  }
}

/** Where in a list by growing ids the first after `id` is. */
export function firstAfter(mutations: readonly { readonly id: MutationId }[], id: MutationId): number {
  let [low, high] = [0, mutations.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (mutations[middle]!.id > id) high = middle
    else low = middle + 1
  }
  return low
}

const mostUnanswered = 4
