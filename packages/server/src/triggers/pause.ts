import type { Clock, Millis } from '@nearcloud/protocol'

/** The waiting of something that works in a loop, and can be stopped. */
export class Pause {
  readonly #clock: Clock
  #isWoken = false
  #isStopped = false
  #end = () => {}
  #isIdle = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get isStopped(): boolean {
    return this.#isStopped
  }

  /** Until `wake`; not at all when that was called since the last time. */
  async untilWoken(): Promise<void> {
    if (!this.#isWoken && !this.#isStopped) {
      this.#isIdle = true
      await new Promise<void>(resolve => {
        this.#end = resolve
      })
      this.#isIdle = false
    }
    this.#isWoken = false
  }

  /** For a time; cut short by `stop` alone. */
  async forMs(delayMs: Millis): Promise<void> {
    if (this.#isStopped) return
    let cancel = () => {}
    await new Promise<void>(resolve => {
      cancel = this.#clock.after(delayMs, resolve)
      this.#end = resolve
    })
    cancel()
  }

  wake(): void {
    this.#isWoken = true
    if (this.#isIdle) this.#end()
  }

  stop(): void {
    this.#isStopped = true
    this.#end()
  }
}
