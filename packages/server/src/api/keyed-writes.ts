import { type Clock, CloudError, type Millis, type Write } from '@nearcloud/protocol'
import type { Filter } from '@nearcloud/query'
import type { Actor } from '../actor.ts'
import type { Decision } from '../commit/environment.ts'
import type { LiveEnvironment } from '../commit/live-environment.ts'
import { onceKey } from '../commit/once.ts'
import type { Log } from '../log-line.ts'
import type { IdempotencyKey } from './endpoint.ts'

export interface KeyedWrite {
  readonly writes: readonly Write[]
  readonly where?: Filter
}

/**
 * Commits that are decided once for a key of their author's: what was decided, and of what, becomes durable with the commit itself,
 * and is known for a day.
 */
export class KeyedWrites {
  readonly #environment: LiveEnvironment
  readonly #clock: Clock
  readonly #log: Log
  #cancel = () => {}
  #sweeping: Promise<void> = Promise.resolve()

  constructor({ environment, clock, log }: { environment: LiveEnvironment; clock: Clock; log: Log }) {
    this.#environment = environment
    this.#clock = clock
    this.#log = log
    this.#sweepAgain()
  }

  /**
   * The first decision for this key; `find` is asked for what to write when there is none. A refusal is not kept. Throws
   * INVALID_PARAM (`details.reason` `key`) when something else was asked under it.
   */
  async decide(
    actor: Actor,
    { key, fingerprint }: IdempotencyKey,
    find: () => Promise<KeyedWrite>,
  ): Promise<Decision> {
    const { env, engine } = this.#environment
    const place = `${scopeOf(actor)}/${key}`
    const once = `http/${place}`
    const known = await engine.readState(env, askedKey(place))
    if (known !== undefined) {
      checkSame(known, fingerprint)
      const decided = await engine.readState(env, onceKey(once))
      if (decided !== undefined) return JSON.parse(decided) as Decision
    }
    const hour = hourOf(this.#clock.now())
    const decision = await this.#environment.commit({
      actor,
      ...(await find()),
      once,
      state: [
        [askedKey(place), fingerprint],
        [hourKey(hour, place), ''],
      ],
    })
    // somebody else may have been faster under this key
    if (decision.outcome.status === 'accepted')
      checkSame(await engine.readState(env, askedKey(place)), fingerprint)
    return decision
  }

  /** Forgets what was decided before yesterday at this time. */
  async sweep(): Promise<void> {
    const { env, engine } = this.#environment
    const now = hourOf(this.#clock.now())
    const until = now - keptHours
    const text = await engine.readState(env, sweptKey)
    let hour = Math.max(text === undefined ? until : Number(text), until - mostHours)
    for (; hour < until; hour++) {
      const prefix = hourKey(hour, '')
      const rows = await engine.listState(env, prefix)
      for (let at = 0; at < rows.length; at += sweepRows) {
        const places = rows.slice(at, at + sweepRows).map(([row]) => row.slice(prefix.length))
        const state = places.flatMap(place =>
          [askedKey(place), onceKey(`http/${place}`), hourKey(hour, place)].map(row => [row, null] as const),
        )
        await this.#environment.alone(alone => alone.store({ state }))
      }
    }
    if (text !== String(until)) await engine.writeState(env, sweptKey, String(until))
  }

  async close(): Promise<void> {
    this.#cancel()
    await this.#sweeping
  }

  #sweepAgain(): void {
    this.#cancel = this.#clock.after(hourMs, () => {
      this.#sweeping = this.sweep().catch((error: unknown) =>
        this.#log({
          level: 'error',
          event: 'http.keys',
          message: `keys were not forgotten: ${String(error)}`,
        }),
      )
      this.#sweepAgain()
    })
  }
}

function scopeOf(actor: Actor): string {
  return actor.kind === 'user' ? `user-${actor.openid}` : actor.kind
}

function checkSame(known: string | undefined, fingerprint: string): void {
  if (known === fingerprint) return
  throw new CloudError('INVALID_PARAM', {
    errMsg: 'this idempotency-key was used for another request: take a new one for each thing you ask',
    details: { reason: 'key' },
  })
}

function askedKey(place: string): string {
  return `http-key/${place}`
}

function hourKey(hour: number, place: string): string {
  return `http-key-hour/${hour}/${place}`
}

function hourOf(time: Millis): number {
  return Math.floor(time / hourMs)
}

const sweptKey = 'http-keys-swept'
const hourMs = 3_600_000
const keptHours = 24
/** A clock that jumps does not make the sweep look at every hour since 1970. */
const mostHours = 24 * 400
const sweepRows = 500
