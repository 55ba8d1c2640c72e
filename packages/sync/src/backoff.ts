import { fractionFrom, type Millis, type RandomBytes } from '@nearcloud/protocol'

/** How long to wait before trying again: full jitter under a ceiling that doubles, 0.2 s at first, 30 s at most. */
export class Backoff {
  readonly #random: RandomBytes
  #failures = 0
  #floorMs: Millis = 0

  constructor(random: RandomBytes) {
    this.#random = random
  }

  /** Attempts that failed since the last `reset`. */
  get failures(): number {
    return this.#failures
  }

  /** Counts a failure; the delay before the next attempt. */
  next(): Millis {
    const ceilingMs = Math.min(longestMs, shortestMs * 2 ** Math.min(this.#failures++, 20))
    const delayMs = Math.floor(fractionFrom(this.#random) * ceilingMs)
    const floorMs = this.#floorMs
    this.#floorMs = 0
    return floorMs + delayMs
  }

  /** The next delay is at least this long: the other side asked for it. */
  atLeast(floorMs: Millis): void {
    this.#floorMs = floorMs
  }

  reset(): void {
    this.#failures = 0
  }
}

const shortestMs = 200
const longestMs = 30_000
