import type { Clock, Millis } from '@nearcloud/protocol'

/** The waiting of something that works in loops, and can be stopped. */
export class Pause {
  readonly #clock: Clock
  /** Ends each wait that is going on. */
  readonly #ends = new Set<() => void>()
  #isWoken = false
  #isStopped = false
  #wake = () => {}

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get isStopped(): boolean {
    return this.#isStopped
  }

  /** Until `wake`; not at all when that was called since the last time. One at a time. */
  async untilWoken(): Promise<void> {
    if (!this.#isWoken && !this.#isStopped)
      await this.#until(end => {
        this.#wake = end
        return () => {}
      })
    this.#wake = () => {}
    this.#isWoken = false
  }

  /** For a time, or until `wake`. */
  async untilWokenOrFor(delayMs: Millis): Promise<void> {
    if (!this.#isWoken && !this.#isStopped)
      await this.#until(end => {
        this.#wake = end
        return this.#clock.after(delayMs, end)
      })
    this.#wake = () => {}
    this.#isWoken = false
  }

  /** For a time; cut short by `stop` alone. Several at once. */
  async forMs(delayMs: Millis): Promise<void> {
    if (!this.#isStopped) await this.#until(end => this.#clock.after(delayMs, end))
  }

  wake(): void {
    this.#isWoken = true
    this.#wake()
  }

  stop(): void {
    this.#isStopped = true
    for (const end of this.#ends) end()
  }

  /** Stops, and waits until `work` has ended, but not longer than `graceMs`. */
  async stopWithin(graceMs: Millis, work: Promise<unknown>): Promise<void> {
    this.stop()
    let cancel = () => {}
    const grace = new Promise<void>(resolve => {
      cancel = this.#clock.after(graceMs, resolve)
    })
    await Promise.race([work, grace])
    cancel()
  }

  /** `begin` is told how to end it, and gives the way to give it up. */
  async #until(begin: (end: () => void) => () => void): Promise<void> {
    let [end, giveUp] = [() => {}, () => {}]
    await new Promise<void>(resolve => {
      end = resolve
      this.#ends.add(end)
      giveUp = begin(end)
    })
    this.#ends.delete(end)
    giveUp()
  }
}
