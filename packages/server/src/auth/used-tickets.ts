import type { Clock, Millis } from '@nearcloud/protocol'
import type { Environment } from '../commit/environment.ts'
import { refused } from './signed-claims.ts'
import type { Ticket } from './tokens.ts'

type StateChange = readonly [key: string, value: string | null]

/** The tickets that were used and have not expired yet: what makes each good for one sign-in. */
export class UsedTickets {
  readonly #clock: Clock
  /** In the order they expire, about. */
  readonly #expires: Map<string, Millis>

  private constructor(clock: Clock, expires: Map<string, Millis>) {
    this.#clock = clock
    this.#expires = expires
  }

  static async open(
    { engine, env }: Pick<Environment, 'engine' | 'env'>,
    clock: Clock,
  ): Promise<UsedTickets> {
    const rows = await engine.listState(env, prefix)
    return new UsedTickets(
      clock,
      new Map(rows.map(([key, value]) => [key.slice(prefix.length), Number(value)])),
    )
  }

  /**
   * Uses one up, for the caller alone: what it gives is to be stored with what the ticket brings about. Throws TOKEN_REFUSED
   * when it was used before.
   */
  use({ id, expires }: Pick<Ticket, 'id' | 'expires'>): readonly StateChange[] {
    if (this.#expires.has(id)) throw refused('used')
    const state: StateChange[] = [[prefix + id, String(expires)]]
    const over = this.#clock.now() - graceMs
    for (const [known, until] of this.#expires) {
      if (state.length > mostForgotten || until > over) break
      this.#expires.delete(known)
      state.push([prefix + known, null])
    }
    this.#expires.set(id, expires)
    return state
  }
}

const prefix = 'users/ticket/'
/** A clock that is set back does not bring a ticket back. */
const graceMs = 24 * 3_600_000
const mostForgotten = 100
