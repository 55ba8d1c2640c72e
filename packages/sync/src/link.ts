import type { Clock, Millis, RandomBytes } from '@nearcloud/protocol'
import { Backoff } from './backoff.ts'
import type { Connection, Transport } from './transport.ts'

/** What is said over one connection. */
export interface Conversation {
  opened(): void
  received(frame: string): void
  /** Part of something came, or arrived. */
  alive(): void
  /** The connection is gone. Resolves when everything the conversation began has ended: then the next may begin. */
  closed(): Promise<void>
}

export interface LinkOptions {
  readonly transport: Transport
  readonly clock: Clock
  readonly random: RandomBytes
  /** The conversation of a connection in the making. */
  begin(connection: Connection): Conversation
  /** `state` or `isHopeful` changed. */
  changed(): void
}

export type LinkState = 'offline' | 'connecting' | 'online'

/**
 * Keeps one connection: opens it, opens it again when it breaks (with growing, random delays), and leaves it closed
 * when told to. At most one connection exists at a time.
 */
export class Link {
  readonly #options: LinkOptions
  readonly #backoff: Backoff
  #phase: 'idle' | 'waiting' | 'connecting' | 'online' | 'closing' = 'idle'
  #isStarted = false
  #isHeldOffline = false
  /** The other side sent us away until a person does something. */
  #isBarred = false
  #connection: Connection | undefined
  #cancelTimer: () => void = () => undefined
  #cancelHope: () => void = () => undefined
  /** The attempt under way may still end well soon. */
  #isHoping = false
  /** To try again as soon as the connection that is closing has closed. */
  #isEager = false
  #idle: (() => void)[] = []

  constructor(options: LinkOptions) {
    this.#options = options
    this.#backoff = new Backoff(options.random)
  }

  get state(): LinkState {
    if (this.#phase === 'online' || this.#phase === 'connecting') return this.#phase
    return 'offline'
  }

  /** A first attempt is under way, or about to be: whoever needs the other side does well to wait a moment. */
  get isHopeful(): boolean {
    return this.#phase === 'connecting' ? this.#isHoping : this.#phase === 'closing' && this.#isEager
  }

  start(): void {
    this.#isStarted = true
    this.#tryNow()
  }

  /** Resolves when nothing of it runs any more. */
  async stop(): Promise<void> {
    this.#isStarted = false
    await this.#comeToRest()
  }

  /** At once: there is no connection when it returns. */
  goOffline(): void {
    this.#isHeldOffline = true
    this.#isEager = false
    void this.#comeToRest()
  }

  goOnline(): void {
    this.#isHeldOffline = false
    this.#isBarred = false
    this.wake()
  }

  /** A hint that trying now is worth it. */
  wake(): void {
    this.#backoff.reset()
    if (this.#phase === 'waiting') this.#cancelTimer()
    if (this.#phase === 'closing') this.#isEager = this.#mayConnect
    this.#tryNow()
  }

  /** A hint that the connection is dead already. Goes on trying. */
  doubt(): void {
    this.#close()
  }

  /** The other side answered the greeting. */
  greeted(): void {
    if (this.#phase !== 'connecting') return
    this.#cancelTimer()
    this.#cancelHope()
    this.#phase = 'online'
    this.#options.changed()
  }

  /** The other side does what it is there for. */
  progressed(): void {
    if (this.#backoff.failures > 0) this.#backoff.reset()
  }

  /** Told to go. With `retryAfterMs` comes back then, without only after `goOnline`. */
  sentAway(retryAfterMs: Millis | undefined): void {
    if (retryAfterMs === undefined) this.#isBarred = true
    else this.#backoff.atLeast(retryAfterMs)
    this.#close()
  }

  get #mayConnect(): boolean {
    return this.#isStarted && !this.#isHeldOffline && !this.#isBarred
  }

  #tryNow(): void {
    if (!this.#mayConnect || (this.#phase !== 'idle' && this.#phase !== 'waiting')) return
    this.#phase = 'connecting'
    this.#isEager = false
    this.#isHoping = this.#backoff.failures === 0
    let conversation: Conversation | undefined
    const connection = this.#options.transport.connect({
      opened: () => conversation!.opened(),
      received: frame => conversation!.received(frame),
      alive: () => conversation!.alive(),
      closed: () => void this.#ended(conversation!),
    })
    this.#connection = connection
    conversation = this.#options.begin(connection)
    this.#cancelTimer = this.#options.clock.after(greetingLimitMs, () => this.#close('stuck'))
    this.#cancelHope = this.#options.clock.after(hopeMs, () => {
      this.#isHoping = false
      this.#options.changed()
    })
    this.#options.changed()
  }

  #close(reason?: 'stuck'): void {
    if (!this.#connection || this.#phase === 'closing') return
    this.#phase = 'closing'
    this.#connection.close(reason)
    this.#options.changed()
  }

  async #ended(conversation: Conversation): Promise<void> {
    this.#cancelTimer()
    this.#cancelHope()
    this.#connection = undefined
    if (this.#phase !== 'closing') {
      this.#phase = 'closing'
      this.#options.changed()
    }
    await conversation.closed()
    if (!this.#mayConnect) {
      this.#rest()
      return
    }
    this.#phase = 'waiting'
    if (this.#isEager) return this.#tryNow()
    this.#cancelTimer = this.#options.clock.after(this.#backoff.next(), () => this.#tryNow())
  }

  #comeToRest(): Promise<void> {
    if (this.#phase === 'idle') return Promise.resolve()
    if (this.#phase === 'waiting') {
      this.#cancelTimer()
      this.#rest()
      return Promise.resolve()
    }
    this.#close()
    return new Promise(resolve => this.#idle.push(resolve))
  }

  #rest(): void {
    this.#phase = 'idle'
    for (const resolve of this.#idle.splice(0)) resolve()
  }
}

/** From the beginning of an attempt to the answer to the greeting. */
const greetingLimitMs = 15_000
/** So long a reader waits for an attempt before it is answered with what is here. */
const hopeMs = 2_500
