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

  /** From this side's clock to the server's. */
  get offsetMs(): Millis {
    return this.#offsetMs
  }

  /**
   * The server read its clock at `serverTime`, somewhere between `sentAt` (local) and now. Whatever correction that
   * allows is as likely as any other, so the one in force moves no further than it has to: two devices whose clocks are
   * right agree on which edit was later, however slow their networks are.
   */
  correct(serverTime: Millis, sentAt: Millis): void {
    const receivedAt = this.#clock.now()
    const least = serverTime - Math.max(sentAt, receivedAt)
    const most = serverTime - Math.min(sentAt, receivedAt)
    this.#offsetMs = Math.min(Math.max(this.#offsetMs, least), most)
  }
}
