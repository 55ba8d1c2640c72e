import type { Clock, Millis } from '@nearcloud/protocol'

/** So many a second, and some at once after a quiet while. */
export class Allowance {
  readonly #clock: Pick<Clock, 'now'>
  readonly #perSecond: number
  readonly #atOnce: number
  #left: number
  #at: Millis

  constructor(clock: Pick<Clock, 'now'>, rate: { readonly perSecond: number; readonly atOnce: number }) {
    this.#clock = clock
    this.#perSecond = rate.perSecond
    this.#left = this.#atOnce = rate.atOnce
    this.#at = clock.now()
  }

  /** So many of them, if they are there. */
  take(cost = 1): boolean {
    const now = this.#clock.now()
    const grown = (Math.max(0, now - this.#at) * this.#perSecond) / 1_000
    this.#left = Math.min(this.#atOnce, this.#left + grown)
    this.#at = now
    if (this.#left < cost) return false
    this.#left -= cost
    return true
  }
}
