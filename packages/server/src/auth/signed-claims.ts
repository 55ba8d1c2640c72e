import { type Clock, CloudError, type Millis } from '@nearcloud/protocol'
import { errors, type JWTPayload, jwtVerify, SignJWT } from 'jose'
import type { Key } from './key-file.ts'

/** What a signed text is for: what was signed for one purpose is refused for every other. */
export type SignedPurpose = 'session' | 'access' | 'ticket' | 'operator'

/** Claims as text that only this server can have written, for one purpose and one environment, with an end. */
export class SignedClaims {
  readonly #keys: readonly Key[]
  readonly #clock: Clock
  readonly #byId: ReadonlyMap<string, Key>

  /** The first key signs, all verify. */
  constructor(keys: readonly Key[], clock: Clock) {
    this.#keys = keys
    this.#clock = clock
    this.#byId = new Map(keys.map(key => [key.id, key]))
  }

  sign(
    purpose: SignedPurpose,
    env: string,
    claims: JWTPayload & { readonly sub: string },
    lifeMs: Millis,
  ): Promise<string> {
    const now = Math.floor(this.#clock.now() / 1000)
    const [key] = this.#keys
    return new SignJWT(claims)
      .setProtectedHeader({ alg: algorithm, kid: key!.id, typ: typeOf(purpose) })
      .setAudience(env)
      .setIssuedAt(now)
      .setExpirationTime(now + Math.ceil(lifeMs / 1000))
      .sign(key!.secret)
  }

  /** Throws TOKEN_REFUSED, with `details.reason` `expired` or `invalid`. */
  async verify(
    purpose: SignedPurpose,
    env: string,
    text: string,
  ): Promise<JWTPayload & { readonly sub: string; readonly exp: number }> {
    if (typeof text !== 'string' || text.length > maxLength) throw refused('invalid')
    try {
      const { payload } = await jwtVerify(
        text,
        header => {
          const key = this.#byId.get(header.kid ?? '')
          if (!key) throw refused('invalid')
          return key.secret
        },
        {
          algorithms: [algorithm],
          typ: typeOf(purpose),
          audience: env,
          requiredClaims: ['sub', 'exp'],
          currentDate: new Date(this.#clock.now()),
        },
      )
      const { sub, exp, aud } = payload
      if (typeof sub !== 'string' || exp === undefined || aud !== env) throw refused('invalid')
      return { ...payload, sub, exp }
    } catch (cause) {
      if (cause instanceof CloudError) throw cause
      throw refused(cause instanceof errors.JWTExpired ? 'expired' : 'invalid', cause)
    }
  }
}

/** Why somebody is not let in. */
export type RefusalReason = 'expired' | 'invalid' | 'used' | 'deleted' | 'merged' | 'ended'

export function refused(reason: RefusalReason, cause?: unknown): CloudError {
  return new CloudError('TOKEN_REFUSED', { errMsg: words[reason], details: { reason }, cause })
}

const words: Readonly<Record<RefusalReason, string>> = {
  expired: 'the token has expired: ask for a new one',
  invalid: 'the token is not one this server gave for this purpose: sign in again',
  used: 'the ticket has been used: each is good for one sign-in, ask for a new one',
  deleted: 'this user was deleted',
  ended: 'all sessions of this user were ended: sign in again',
  merged: 'this anonymous user has become part of another one',
}

function typeOf(purpose: SignedPurpose): string {
  return `nearcloud-${purpose}+jwt`
}

const algorithm = 'HS256'
/** Ours have about 300 characters, with as many roles as there can be 2,000. */
const maxLength = 2_048
