import { type Clock, CloudError, type RandomBytes, toHex } from '@nearcloud/protocol'
import type { Actor } from '../../actor.ts'

/** Leave for the operator to watch: secrets that say who comes, each good once and for a minute and a half. */
export class WatchLeaves {
  readonly #clock: Clock
  readonly #random: RandomBytes
  /** By the secret, the oldest first. */
  readonly #given = new Map<string, { readonly actor: Operator; readonly until: number }>()

  constructor(clock: Clock, random: RandomBytes) {
    this.#clock = clock
    this.#random = random
  }

  /** Throws EXCEED_REQUEST_LIMIT. */
  give(actor: Operator): string {
    const now = this.#clock.now()
    for (const [secret, { until }] of this.#given) {
      if (until > now) break
      this.#given.delete(secret)
    }
    if (this.#given.size >= mostGiven)
      throw new CloudError('EXCEED_REQUEST_LIMIT', { errMsg: 'too many want to watch: try later' })
    const secret = `${mark}${toHex(this.#random(32))}`
    this.#given.set(secret, { actor, until: now + leaveMs })
    return secret
  }

  /** Whose it is, once. Undefined for every other text. */
  take(secret: string): Operator | undefined {
    const found = this.#given.get(secret)
    this.#given.delete(secret)
    return found && found.until > this.#clock.now() ? found.actor : undefined
  }
}

type Operator = Actor & { readonly kind: 'admin' }

/** No token of a user looks like this. */
const mark = 'op-'
/** The SDKs use one for a minute. */
const leaveMs = 90_000
const mostGiven = 10_000
