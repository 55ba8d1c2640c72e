import { type Clock, CloudError, type Millis } from '@nearcloud/protocol'

/** How often: `burst` at once, and one more each `everyMs`. */
export interface Pace {
  readonly burst: number
  readonly everyMs: Millis
}

export interface Try {
  readonly pace: Pace
  readonly key: string
}

/**
 * Counts tries by whatever names who tries. A try is counted before it is made, so that many at once are no way round, and given
 * back when it was a good one.
 */
export class Attempts {
  readonly #clock: Clock
  readonly #mostKeys: number
  readonly #words: string
  /** By pace and key: when all of it can be used again. The longest untouched come first. */
  readonly #full = new Map<Pace, Map<string, Millis>>()

  /** `words`: what a refusal begins with. */
  constructor(clock: Clock, mostKeys = 100_000, words = 'signIn: too many attempts') {
    this.#clock = clock
    this.#mostKeys = mostKeys
    this.#words = words
  }

  /**
   * Counts one of each, or none. Throws EXCEED_REQUEST_LIMIT with `details.retryAfterMs`. Returns the way to give it back.
   */
  take(tries: readonly Try[]): () => void {
    const now = this.#clock.now()
    const waits = tries.map(each => this.#fullAt(each, now) + each.pace.everyMs - most(each.pace) - now)
    const retryAfterMs = Math.ceil(Math.max(...waits))
    if (retryAfterMs > 0)
      throw new CloudError('EXCEED_REQUEST_LIMIT', {
        errMsg: `${this.#words}, try again in ${Math.ceil(retryAfterMs / 1000)} seconds`,
        details: { retryAfterMs },
      })
    for (const each of tries) this.#set(each, this.#fullAt(each, now) + each.pace.everyMs, now)
    return () => {
      const then = this.#clock.now()
      for (const each of tries) this.#set(each, this.#fullAt(each, then) - each.pace.everyMs, then)
    }
  }

  /** Never longer away than a whole burst takes: a clock that was set back locks nobody out. */
  #fullAt({ pace, key }: Try, now: Millis): Millis {
    const keys = this.#full.get(pace)
    const at = keys?.get(key) ?? now
    const latest = now + most(pace)
    if (at > latest) keys!.set(key, latest)
    return Math.min(Math.max(at, now), latest)
  }

  #set({ pace, key }: Try, at: Millis, now: Millis): void {
    const keys = this.#full.get(pace) ?? new Map<string, Millis>()
    this.#full.set(pace, keys)
    keys.delete(key)
    if (at <= now) return
    keys.set(key, at)
    if (keys.size <= this.#mostKeys) return
    for (const [other, until] of keys) if (until <= now) keys.delete(other)
    for (const other of keys.keys()) {
      if (keys.size <= this.#mostKeys) break
      keys.delete(other)
    }
  }
}

function most({ burst, everyMs }: Pace): Millis {
  return burst * everyMs
}
