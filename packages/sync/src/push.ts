import {
  type Clock,
  limits,
  type Mutation,
  type MutationId,
  mutationToSend,
  type RandomBytes,
} from '@nearcloud/protocol'
import type { OutboxView } from '@nearcloud/store'
import { Backoff } from './backoff.ts'
import type { InPieces } from './in-pieces.ts'
import { PieceSize } from './piece-size.ts'

/** Whether a mutation, by the text it is sent as, has to wait, and with it what was made after it. */
export type Hold = (text: string) => boolean

export interface PushOptions {
  readonly outbox: () => OutboxView
  readonly clock: Pick<Clock, 'after'>
  readonly random: RandomBytes
  /** Default: nothing is. */
  readonly isHeld?: Hold | undefined
  readonly inPieces?: InPieces | undefined
  /** What was pushed ended the conversation, which the other side is there for otherwise. */
  resting(): void
}

/**
 * Sends the outbox: in order, in frames of `limits.pushMutations` or `limits.pushBytes` (a mutation is never split), at
 * most four of them unanswered. After a conversation that ended without an answer to one it begins with small frames, one at
 * a time until their size is known to pass, and grows as they are answered: perhaps it was their size. After one that ended because the server could not store what was
 * sent, nothing is sent for a while, longer each time: the next conversation is there for reading until then.
 */
export class Push {
  readonly #outbox: () => OutboxView
  readonly #options: PushOptions
  readonly #rests: Backoff
  #cancelRest: (() => void) | undefined
  #send: ((frame: string) => void) | undefined
  #sentThrough: MutationId = 0
  #lastSent: string | undefined
  #answeredThrough: MutationId = 0
  #heldAt: MutationId = 0
  #isPaused = false
  /** The last mutation of each frame that was not answered, and the frame's size. */
  #unanswered: { readonly last: MutationId; readonly size: number }[] = []
  readonly #size = new PieceSize({ smallest: 1_000, largest: limits.pushBytes, first: limits.pushBytes })

  readonly #isHeld: Hold
  readonly #inPieces: InPieces | undefined
  #isPausing = false

  constructor(options: PushOptions) {
    const { outbox, random, isHeld = () => false, inPieces } = options
    this.#options = options
    this.#outbox = outbox
    this.#rests = new Backoff(random)
    this.#isHeld = isHeld
    this.#inPieces = inPieces
  }

  /** This one, and with it all that were made after it, wait for something else than the server; 0: none does. */
  get heldAt(): MutationId {
    if (this.#heldAt <= this.#sentThrough) return 0
    const { mutations } = this.#outbox()
    const unsent = mutations.slice(firstAfter(mutations, this.#sentThrough))
    return unsent.find(mutation => this.#isHeld(sendingText(mutation)))?.id ?? 0
  }

  /** Those that were not sent in this conversation, oldest first. */
  get unsent(): readonly Mutation[] {
    const { mutations } = this.#outbox()
    return mutations.slice(firstAfter(mutations, this.#sentThrough))
  }

  /** Sends nothing while `work` is done. */
  async pausedFor(work: () => Promise<void>): Promise<void> {
    this.#isPaused = true
    await work().finally(() => {
      this.#isPaused = false
      this.wake()
    })
  }

  /** Every mutation up to this one has been decided, as far as this conversation knows. */
  get answeredThrough(): MutationId {
    return this.#answeredThrough
  }

  /** Is this the nonce of the last mutation that was ever sent? None behind it was. */
  wasSentLast(nonce: string): boolean {
    return this.#lastSent === nonce
  }

  /** In frames that were not answered. */
  get unansweredBytes(): number {
    return this.#unanswered.reduce((sum, { size }) => sum + size, 0)
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
    if (this.#unanswered.length > 0) this.#size.lost()
    this.#unanswered = []
  }

  /** The other side has no place for what it is sent. */
  rest(): void {
    this.#cancelRest?.()
    this.#cancelRest = this.#options.clock.after(restMs + this.#rests.next(), () => this.#goOn())
    if (this.#unanswered.length > 0) this.#options.resting()
  }

  /** A hint that there may be a place again. */
  retry(): void {
    this.#rests.reset()
    this.#cancelRest?.()
    this.#goOn()
  }

  #goOn(): void {
    this.#cancelRest = undefined
    this.wake()
  }

  /** Nothing is sent any more. */
  stop(): void {
    this.end()
    this.#cancelRest?.()
  }

  answered(id: MutationId): void {
    this.#answeredThrough = Math.max(this.#answeredThrough, id)
    this.#rests.reset()
    const before = this.#unanswered.length
    this.#unanswered = this.#unanswered.filter(({ last }) => last > id)
    if (this.#unanswered.length < before) this.#size.passed(this.#size.bytes)
    this.wake()
  }

  /** There may be something to send. Where the host wants its turn it has it between two frames. */
  wake(): void {
    if (this.#isPausing) return
    if (!this.#inPieces) this.#sendDue(Number.POSITIVE_INFINITY)
    else if (this.#sendDue(1)) {
      this.#isPausing = true
      void this.#inPieces.pause().then(() => {
        this.#isPausing = false
        this.wake()
      })
    }
  }

  /** At most so many frames; true when it was as many. */
  #sendDue(frames: number): boolean {
    const { mutations, drafts } = this.#outbox()
    // what is written on what a call does here is sent when the server has done it
    const undecided = drafts.find(({ due }) => due === undefined)
    const end = undecided ? firstAfter(mutations, undecided.mutation.id) : mutations.length
    let next = firstAfter(mutations, this.#sentThrough)
    let sent = 0
    while (
      sent < frames &&
      this.#send &&
      !this.#cancelRest &&
      !this.#isPaused &&
      this.#unanswered.length < this.#mostUnanswered &&
      next < Math.min(end, this.#mostUnseen)
    ) {
      const texts: string[] = []
      let size = 0
      while (next < end && texts.length < limits.pushMutations) {
        const text = sendingText(mutations[next]!)
        if (texts.length > 0 && size + text.length > this.#size.bytes) break
        if (this.#isHeld(text)) {
          this.#heldAt = mutations[next]!.id
          break
        }
        size += text.length
        texts.push(text)
        next++
      }
      if (texts.length === 0) break
      this.#sentThrough = mutations[next - 1]!.id
      this.#lastSent = mutations[next - 1]!.nonce
      this.#unanswered.push({ last: this.#sentThrough, size })
      this.#send(`{"type":"push","mutations":[${texts.join(',')}]}`)
      sent++
    }
    return sent === frames
  }

  /** What has its effect in one message leaves the outbox in one step: where turns are short it is not much. */
  get #mostUnseen(): number {
    return this.#inPieces ? mostUnseen : Number.POSITIVE_INFINITY
  }

  get #mostUnanswered(): number {
    return this.#size.isKnown ? mostUnanswered : 1
  }
}

/** The text a mutation is sent as. */
export function sendingText(mutation: Mutation): string {
  return JSON.stringify(mutationToSend(mutation))
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
/** Sent, and still in the outbox. */
const mostUnseen = 300
const restMs = 5_000
