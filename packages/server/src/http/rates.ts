import { type Clock, CloudError } from '@nearcloud/protocol'
import type { Actor } from '../actor.ts'
import { Attempts, type Pace } from '../auth/passwords/attempts.ts'

/** How often: so many a minute in the long run, and `burst` of them at once (default: a quarter of a minute's). */
export interface Rate {
  readonly perMinute: number
  readonly burst?: number
}

/** What one address, one user, and one caller of one function may ask over HTTP; calls over a socket count for functions, too. */
export interface RateOptions {
  /** Requests of one address; of IPv6, of one network. Default 30,000 a minute. */
  readonly address?: Rate
  /** Requests of one user. Default 6,000 a minute. The operator has no limit. */
  readonly user?: Rate
  /** Calls of any one function by one caller. Default: no limit of their own. */
  readonly function?: Rate
  /** As `function`, by name. */
  readonly functions?: Readonly<Record<string, Rate>>
}

/** Counts what is asked, and refuses what is too often: EXCEED_REQUEST_LIMIT with `details.limit` and `details.retryAfterMs`. */
export class Rates {
  readonly #attempts: Attempts
  readonly #address: Pace
  readonly #user: Pace
  readonly #function: Pace | undefined
  readonly #functions: ReadonlyMap<string, Pace>

  /** Throws SERVER_CONFIGURATION for rates that cannot be. */
  constructor(clock: Clock, options: RateOptions = {}) {
    this.#attempts = new Attempts(clock, 100_000, 'too many requests')
    this.#address = paceOf('address', options.address ?? { perMinute: 30_000 })
    this.#user = paceOf('user', options.user ?? { perMinute: 6_000 })
    this.#function = options.function && paceOf('function', options.function)
    this.#functions = new Map(
      Object.entries(options.functions ?? {}).map(([name, rate]) => [
        name,
        paceOf(`functions.${name}`, rate),
      ]),
    )
  }

  request(network: string, actor: Actor): void {
    if (actor.kind === 'admin') return
    this.#take('address', this.#address, network)
    if (actor.kind === 'user') this.#take('user', this.#user, actor.openid)
  }

  /** `caller`: an openid, or an address of who has none. */
  call(name: string, caller: string): void {
    const pace = this.#functions.get(name) ?? this.#function
    if (pace) this.#take('function', pace, `${name}/${caller}`)
  }

  #take(limit: string, pace: Pace, key: string): void {
    try {
      this.#attempts.take([{ pace, key }])
    } catch (thrown) {
      if (!(thrown instanceof CloudError)) throw thrown
      throw new CloudError(thrown.code, { errMsg: thrown.errMsg, details: { ...thrown.details, limit } })
    }
  }
}

/** The header of an answer that is not to be had now. */
export function retryAfter({ details }: CloudError): { readonly 'retry-after': string } {
  const { retryAfterMs } = details
  const waitS = typeof retryAfterMs === 'number' ? Math.max(1, Math.ceil(retryAfterMs / 1000)) : 1
  return { 'retry-after': String(waitS) }
}

function paceOf(name: string, { perMinute, burst = Math.max(1, Math.ceil(perMinute / 4)) }: Rate): Pace {
  if (!(perMinute > 0 && perMinute <= 1e9 && Number.isInteger(burst) && burst >= 1))
    throw new CloudError('SERVER_CONFIGURATION', {
      errMsg: `rates.${name}: perMinute is a number above 0, and burst a whole one, at least 1`,
    })
  return { burst, everyMs: 60_000 / perMinute }
}
