import { Buffer } from 'node:buffer'
import { createHmac, timingSafeEqual } from 'node:crypto'
import { type Clock, CloudError, type Millis, type RandomBytes } from '@nearcloud/protocol'
import { errors, jwtVerify, SignJWT } from 'jose'
import { type Key, openKeys } from './key-file.ts'
import { isOpenid, newOpenid } from './openid.ts'

/**
 * What a token is for. `session`: kept by a client and shown in its next hello, for a year. `access`: for HTTP
 * requests, two hours.
 */
export type TokenPurpose = 'session' | 'access'

/**
 * Who somebody is, as text that only this server can have written, for one environment and one purpose.
 *
 * A token says nothing about rights: those are the rules' to give.
 */
export interface Tokens {
  /** A name nobody has: 28 url-safe characters, not to be guessed. */
  newOpenid(): string
  sign(purpose: TokenPurpose, env: string, openid: string): Promise<string>
  /**
   * The openid a token was signed for. Throws TOKEN_REFUSED for everything else, with `details.reason` `expired`
   * (ask for a new one) or `invalid` (forged, malformed, another server's, environment's or purpose's).
   */
  verify(purpose: TokenPurpose, env: string, token: string): Promise<string>
  /** A mark only this server can put on `text`: url-safe, naming its key. */
  seal(text: string): string
  /** Whether `seal(text)` gave this mark; takes the same time for every wrong one. */
  isSealed(text: string, mark: string): boolean
}

/** The tokens of a data folder, signed by its `keys.json` (see `openKeys` for what it refuses). */
export async function openTokens(dataFolder: string, clock: Clock, random: RandomBytes): Promise<Tokens> {
  const keys = await openKeys(dataFolder, random)
  const tokenKeys = byId(keys.tokens)
  const urlKeys = byId(keys.urls)
  const [tokenKey, urlKey] = [keys.tokens[0]!, keys.urls[0]!]

  return {
    newOpenid: () => newOpenid(random),

    sign(purpose, env, openid) {
      const now = Math.floor(clock.now() / 1000)
      return new SignJWT()
        .setProtectedHeader({ alg: algorithm, kid: tokenKey.id, typ: typeOf(purpose) })
        .setSubject(openid)
        .setAudience(env)
        .setIssuedAt(now)
        .setExpirationTime(now + lifetimes[purpose] / 1000)
        .sign(tokenKey.secret)
    },

    async verify(purpose, env, token) {
      if (typeof token !== 'string' || token.length > maxTokenLength) throw refused('invalid')
      try {
        const { payload } = await jwtVerify(
          token,
          header => {
            const key = tokenKeys.get(header.kid ?? '')
            if (!key) throw refused('invalid')
            return key.secret
          },
          {
            algorithms: [algorithm],
            typ: typeOf(purpose),
            audience: env,
            requiredClaims: ['sub', 'exp'],
            currentDate: new Date(clock.now()),
          },
        )
        if (!isOpenid(payload.sub) || payload.aud !== env) throw refused('invalid')
        return payload.sub
      } catch (cause) {
        if (cause instanceof CloudError) throw cause
        throw refused(cause instanceof errors.JWTExpired ? 'expired' : 'invalid', cause)
      }
    },

    seal: text => `${urlKey.id}.${macOf(urlKey, text).toString('base64url')}`,

    isSealed(text, mark) {
      if (!markForm.test(mark)) return false
      const key = urlKeys.get(mark.slice(0, 12))
      const shown = Buffer.from(mark.slice(13), 'base64url')
      const right = macOf(key ?? urlKey, text)
      // 43 base64url digits hold two bits too many: only the spelling `seal` gives counts
      return timingSafeEqual(shown, right) && key !== undefined && mark.endsWith(shown.toString('base64url'))
    },
  }
}

function byId(keys: readonly Key[]): ReadonlyMap<string, Key> {
  return new Map(keys.map(key => [key.id, key]))
}

function macOf(key: Key, text: string): Buffer {
  return createHmac('sha256', key.secret).update(text, 'utf8').digest()
}

function typeOf(purpose: TokenPurpose): string {
  return `nearcloud-${purpose}+jwt`
}

function refused(reason: 'expired' | 'invalid', cause?: unknown): CloudError {
  return new CloudError('TOKEN_REFUSED', {
    errMsg:
      reason === 'expired'
        ? 'the token has expired: ask for a new one'
        : 'the token is not one this server gave for this purpose: sign in again',
    details: { reason },
    cause,
  })
}

const algorithm = 'HS256'
const lifetimes: Readonly<Record<TokenPurpose, Millis>> = {
  session: 365 * 24 * 3_600_000,
  access: 2 * 3_600_000,
}
/** Ours have about 300 characters. */
const maxTokenLength = 2_048
const markForm = /^[0-9a-f]{12}\.[A-Za-z0-9_-]{43}$/
