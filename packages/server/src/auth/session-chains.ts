import type { Clock, Millis, RandomBytes } from '@nearcloud/protocol'
import type { LiveEnvironment } from '../commit/live-environment.ts'
import { refused } from './signed-claims.ts'

/**
 * Where a session token stands among those of one sign-in: which sign-in, which token, its number, and the token that it was given
 * for.
 */
export type Link = readonly [session: string, id: string, number: number, parent: string]

/** What is kept of a sign-in: the token that was shown last. */
interface Chain {
  readonly id: string
  readonly number: number
  /** Nobody comes back after this. */
  readonly until: Millis
  readonly hasEnded?: true
}

/**
 * Each contact of a named user gives a new session token, and each token is good until one that was given for it is shown. One that is
 * shown after that was copied, by somebody or from a backup: the session ends, whoever has its tokens.
 *
 * What was shown is stored within a second, for all together. A server that knows less than a token says (it was killed, or put back)
 * believes the token, which it had signed.
 */
export class SessionChains {
  readonly #environment: LiveEnvironment
  readonly #clock: Clock
  readonly #random: RandomBytes
  readonly #chains: Map<string, Chain>
  readonly #changed = new Set<string>()
  readonly #listeners = new Set<(session: string) => void>()
  #cancelTimer: (() => void) | undefined
  #storing: Promise<void> = Promise.resolve()

  private constructor(
    { environment, clock }: { environment: LiveEnvironment; clock: Clock },
    chains: Map<string, Chain>,
  ) {
    this.#environment = environment
    this.#clock = clock
    this.#random = environment.random
    this.#chains = chains
  }

  static async open(options: { environment: LiveEnvironment; clock: Clock }): Promise<SessionChains> {
    const { engine, env } = options.environment
    const rows = await engine.listState(env, prefix)
    return new SessionChains(
      options,
      new Map(rows.map(([key, text]) => [key.slice(prefix.length), JSON.parse(text) as Chain])),
    )
  }

  /** The first token of a sign-in. */
  begin(): Link {
    return [this.#newId(), this.#newId(), 1, '']
  }

  /** The token was shown: gives what the next is. Throws TOKEN_REFUSED, `ended`, for one that was followed by another already. */
  show(link: Link, lifeMs: Millis): Link {
    const [session, id, number, parent] = link
    const known = this.#chains.get(session)
    if (known?.hasEnded) throw refused('ended')
    const isNewer = !known || number > known.number + 1
    const isNext = known !== undefined && number === known.number + 1 && parent === known.id
    if (!isNewer && !isNext && id !== known.id) {
      this.#keep(session, { ...known, hasEnded: true })
      for (const listener of this.#listeners) listener(session)
      throw refused('ended')
    }
    this.#keep(session, { id, number, until: this.#clock.now() + lifeMs })
    return [session, this.#newId(), number + 1, id]
  }

  hasEnded(session: string): boolean {
    return this.#chains.get(session)?.hasEnded === true
  }

  /** Called when a session ends because one of its tokens was shown again. Returns the way to stop. */
  onEnded(listener: (session: string) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** An engine that fails by now has told so: what was not stored is believed of the tokens. */
  async close(): Promise<void> {
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    await this.#storing
    await this.#store().catch(() => undefined)
  }

  #keep(session: string, chain: Chain): void {
    this.#chains.set(session, chain)
    this.#changed.add(session)
    this.#cancelTimer ??= this.#clock.after(storeAfterMs, () => {
      this.#cancelTimer = undefined
      // an engine that fails is told elsewhere; what is not stored is stored with the next
      this.#storing = this.#storing.then(() => this.#store()).catch(() => undefined)
    })
  }

  async #store(): Promise<void> {
    const changed = [...this.#changed]
    if (changed.length === 0) return
    const now = this.#clock.now()
    const over = [...this.#chains].filter(([, { until }]) => until + graceMs < now).slice(0, mostForgotten)
    const state = changed.map((session): readonly [string, string | null] => [
      prefix + session,
      JSON.stringify(this.#chains.get(session)),
    ])
    for (const [session] of over) state.push([prefix + session, null])
    await this.#environment.alone(alone => alone.store({ state }))
    for (const session of changed) this.#changed.delete(session)
    for (const [session] of over) this.#chains.delete(session)
  }

  #newId(): string {
    return Buffer.from(this.#random(8)).toString('hex')
  }
}

/** What a token says, when it can be. */
export function isLink(value: unknown): value is Link {
  if (!Array.isArray(value) || value.length !== 4) return false
  const [session, id, number, parent] = value as readonly unknown[]
  const isId = (text: unknown) => typeof text === 'string' && idForm.test(text)
  return isId(session) && isId(id) && Number.isSafeInteger(number) && (parent === '' || isId(parent))
}

const idForm = /^[0-9a-f]{16}$/
const prefix = 'users/session/'
const storeAfterMs = 1_000
/** A clock that is set back does not make a session new. */
const graceMs = 24 * 3_600_000
const mostForgotten = 100
