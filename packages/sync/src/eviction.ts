import type { Clock, Millis } from '@nearcloud/protocol'
import type { Store } from '@nearcloud/store'
import { keyOf } from './followed.ts'
import type { Subscriptions } from './subscriptions.ts'

/** How much is kept of what nobody follows any more. */
export interface CacheLimits {
  /** Default 10,000. */
  readonly maxDocuments?: number
  /** From when its query was let go. Default 30 days. */
  readonly maxAgeMs?: Millis
  /** How often is looked. Default five minutes. */
  readonly everyMs?: Millis
}

export interface EvictionOptions {
  readonly store: Store
  readonly subscriptions: Subscriptions
  readonly clock: Clock
  readonly limits: CacheLimits
  /** Does something between two messages of the conversation under way; not at all when there is none. */
  between(task: () => Promise<void>): void
  evicted(detail: { readonly collection: string; readonly count: number }): void
}

/**
 * Drops what no followed query has in it: what was let go too long ago, and of the rest the oldest, when there is too
 * much. Only while there is a server to bring it again, and never what has pending writes.
 */
export class Eviction {
  readonly #options: EvictionOptions
  #cancelTimer: () => void = () => undefined
  #isOn = false
  #isMakingRoom = false

  constructor(options: EvictionOptions) {
    this.#options = options
  }

  /** There is a connection. */
  begin(): void {
    if (this.#isOn) return
    this.#isOn = true
    this.#sweepAfter(this.#options.limits.everyMs ?? everyMs)
  }

  end(): void {
    this.#isOn = false
    this.#isMakingRoom = false
    this.#cancelTimer()
  }

  /** The device is full: all that nobody follows goes, and what is dead on the medium. */
  makeRoom(): void {
    if (!this.#isOn || this.#isMakingRoom) return
    this.#isMakingRoom = true
    this.#options.between(async () => {
      try {
        while (await this.#sweep(0)) if (!this.#isOn) break
        await this.#options.store.compact()
      } catch {
        // the next write that is refused asks again
      } finally {
        this.#isMakingRoom = false
      }
    })
  }

  #sweepAfter(delayMs: Millis): void {
    const { clock, between, limits } = this.#options
    this.#cancelTimer()
    this.#cancelTimer = clock.after(delayMs, () =>
      between(async () => {
        const isMore = await this.#sweep()
        if (this.#isOn) this.#sweepAfter(isMore ? soonMs : (limits.everyMs ?? everyMs))
      }),
    )
  }

  /** True when more remain. What cannot be loaded is tried again the next time. */
  async #sweep(most = this.#options.limits.maxDocuments ?? maxDocuments): Promise<boolean> {
    const loaded = await import('./sweep.ts').catch(() => undefined)
    return (await loaded?.sweep({ ...this.#options, keyOf }, most)) ?? false
  }
}

const maxDocuments = 10_000
const everyMs = 300_000
const soonMs = 1_000
