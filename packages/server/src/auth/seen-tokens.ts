import type { Clock } from '@nearcloud/protocol'
import type { Actor } from '../actor.ts'
import type { ShownToken } from './tokens.ts'
import type { Users } from './users.ts'

/**
 * Whom access tokens name. Those that were verified are kept by their whole text, so that who asks again and again is not
 * computed again and again; that the user is still there, and its sessions not ended, is looked at each time.
 */
export class SeenTokens {
  readonly #users: Pick<Users, 'shown' | 'known'>
  readonly #clock: Pick<Clock, 'now'>
  readonly #most: number
  readonly #shown = new Map<string, ShownToken>()

  constructor(users: Pick<Users, 'shown' | 'known'>, clock: Pick<Clock, 'now'>, most = 10_000) {
    this.#users = users
    this.#clock = clock
    this.#most = most
  }

  /** Rejects with TOKEN_REFUSED for what does not hold. */
  async identify(token: string): Promise<Actor & { kind: 'user' }> {
    const { openid, round, session } =
      this.#kept(token) ?? this.#keep(token, await this.#users.shown('access', token))
    const { uid, roles } = await this.#users.known(openid, round, session)
    return { kind: 'user', openid, ...(uid !== undefined && { uid }), ...(roles && { roles }) }
  }

  #kept(token: string): ShownToken | undefined {
    const shown = this.#shown.get(token)
    if (!shown || this.#clock.now() < (shown.expires ?? 0)) return shown
    this.#shown.delete(token)
    return undefined
  }

  #keep(token: string, shown: ShownToken): ShownToken {
    this.#shown.set(token, shown)
    if (this.#shown.size > this.#most) this.#shown.delete(this.#shown.keys().next().value!)
    return shown
  }
}
