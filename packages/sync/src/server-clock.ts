import type { Clock, Millis } from '@nearcloud/protocol'

/** The server's time as this side estimates it: the local clock, corrected at each welcome. */
export class ServerClock {
  readonly #clock: Clock
  #offsetMs: Millis = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  now(): Millis {
    return this.#clock.now() + this.#offsetMs
  }

  /** The server read its clock at `serverTime`, somewhere between `sentAt` (local) and now. */
  correct(serverTime: Millis, sentAt: Millis): void {
    const receivedAt = this.#clock.now()
    const middle = sentAt <= receivedAt ? sentAt + (receivedAt - sentAt) / 2 : receivedAt
    this.#offsetMs = Math.round(serverTime - middle)
  }
}
