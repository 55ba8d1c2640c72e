import { Buffer } from 'node:buffer'
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Clock, Millis, RandomBytes } from '@nearcloud/protocol'
import { type Key, openKeys } from './key-file.ts'
import { isOpenid, newOpenid } from './openid.ts'
import { type Roles, rolesFrom } from './roles.ts'
import { isLink, type Link } from './session-chains.ts'
import { refused, SignedClaims } from './signed-claims.ts'
import { isUid } from './uid.ts'

/**
 * What a token is for. `session`: kept by a client and shown in its next hello, for a year unless told. `access`: for HTTP
 * requests, two hours.
 */
export type TokenPurpose = 'session' | 'access'

/** Leave to sign in as a user once: what is written in a ticket. */
export interface Ticket {
  /** Tells tickets apart. */
  readonly id: string
  readonly uid: string
  /** Users with this uid that were deleted before it was made. */
  readonly generation: number
  /** How long the sessions last that it opens, when nothing is heard from them. */
  readonly sessionMs: Millis
  /** How often all sessions of this uid had been ended before it was made. */
  readonly round: number
  /** The openid that the user gets, if the uid has none yet and nobody has had it. */
  readonly openid?: string
  /** What the user's host calls somebody in all apps of one owner; absent: as it is. */
  readonly unionid?: string
  /** The user's roles from then on; absent: as they are. */
  readonly roles?: Roles
  readonly expires: Millis
}

/** What a good token says. */
export interface ShownToken {
  readonly openid: string
  /** How often all sessions of the user had been ended before it was signed. */
  readonly round: number
  /** Absent: it was made here. */
  readonly expires?: Millis
  /** Of a session token of a named user: where it stands. */
  readonly link?: Link
  /** Of an access token of a named user: which sign-in it came of. */
  readonly session?: string
}

/**
 * Who somebody is, as text that only this server can have written, for one environment and one purpose.
 *
 * A token says nothing about rights: those are the rules' to give.
 */
export interface Tokens {
  /** A name nobody has: 28 url-safe characters, not to be guessed. */
  newOpenid(): string
  /** `link`: of a named user; an access token says which sign-in it came of. */
  sign(
    purpose: TokenPurpose,
    env: string,
    openid: string,
    lifeMs?: Millis,
    round?: number,
    link?: Link,
  ): Promise<string>
  /**
   * The openid a token was signed for. Throws TOKEN_REFUSED for everything else, with `details.reason` `expired`
   * (ask for a new one) or `invalid` (forged, malformed, another server's, environment's or purpose's).
   */
  verify(purpose: TokenPurpose, env: string, token: string): Promise<string>
  /** As `verify`, with all that the token says. */
  read(purpose: TokenPurpose, env: string, token: string): Promise<ShownToken>
  /** A ticket that is good for `ticketMs`; whether it was used is the caller's to know. */
  signTicket(
    env: string,
    ticket: Pick<Ticket, 'uid' | 'generation' | 'sessionMs' | 'openid' | 'unionid' | 'roles'> & {
      readonly round?: number
    },
  ): Promise<string>
  /** Throws as `verify`. */
  verifyTicket(env: string, ticket: string): Promise<Ticket>
  /** A mark only this server can put on `text`: url-safe, naming its key. */
  seal(text: string): string
  /** Whether `seal(text)` gave this mark; takes the same time for every wrong one. */
  isSealed(text: string, mark: string): boolean
}

/** How long a ticket can be used. */
export const ticketMs: Millis = 5 * 60_000

/** How long tokens last that are not told. */
export const lifetimes: Readonly<Record<TokenPurpose, Millis>> = {
  session: 365 * 24 * 3_600_000,
  access: 2 * 3_600_000,
}

/** The tokens of a data folder, signed by its `keys.json` (see `openKeys` for what it refuses). */
export async function openTokens(dataFolder: string, clock: Clock, random: RandomBytes): Promise<Tokens> {
  const keys = await openKeys(dataFolder, random)
  const claims = new SignedClaims(keys.tokens, clock)
  const urlKeys: ReadonlyMap<string, Key> = new Map(keys.urls.map(key => [key.id, key]))
  const urlKey = keys.urls[0]!

  async function read(purpose: TokenPurpose, env: string, token: string): Promise<ShownToken> {
    const { sub, round = 0, exp, link, sid } = await claims.verify(purpose, env, token)
    if (!isOpenid(sub) || !isCount(round)) throw refused('invalid')
    if (link !== undefined && !isLink(link)) throw refused('invalid')
    const place = { ...(link && { link }), ...(typeof sid === 'string' && { session: sid }) }
    return { openid: sub, round, expires: exp * 1000, ...place }
  }

  return {
    newOpenid: () => newOpenid(random),

    sign(purpose, env, openid, lifeMs = lifetimes[purpose], round = 0, link) {
      const place = link && (purpose === 'access' ? { sid: link[0] } : { link })
      return claims.sign(purpose, env, { sub: openid, ...(round > 0 && { round }), ...place }, lifeMs)
    },

    read,
    verify: async (purpose, env, token) => (await read(purpose, env, token)).openid,

    signTicket(env, { uid, generation, sessionMs, round = 0, openid, unionid, roles }) {
      const jti = Buffer.from(random(16)).toString('hex')
      const more = {
        ...(round > 0 && { round }),
        ...(openid !== undefined && { openid }),
        ...(unionid !== undefined && { unionid }),
        ...(roles && { roles }),
      }
      return claims.sign('ticket', env, { sub: uid, jti, generation, sessionMs, ...more }, ticketMs)
    },

    async verifyTicket(env, ticket) {
      const {
        sub: uid,
        jti: id,
        generation,
        sessionMs,
        round = 0,
        openid,
        unionid,
        roles: given,
        exp,
      } = await claims.verify('ticket', env, ticket)
      if (!isUid(uid) || typeof id !== 'string' || !ticketIdForm.test(id)) throw refused('invalid')
      if (!isCount(generation) || !isCount(sessionMs) || !isCount(round)) throw refused('invalid')
      const roles = given === undefined ? undefined : rolesFrom(given)
      if (given !== undefined && !roles) throw refused('invalid')
      const wish = {
        ...(isOpenid(openid) && { openid }),
        ...(typeof unionid === 'string' && { unionid }),
        ...(roles && { roles }),
      }
      return { id, uid, generation, sessionMs, round, expires: exp * 1000, ...wish }
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

function macOf(key: Key, text: string): Buffer {
  return createHmac('sha256', key.secret).update(text, 'utf8').digest()
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0
}

const markForm = /^[0-9a-f]{12}\.[A-Za-z0-9_-]{43}$/
const ticketIdForm = /^[0-9a-f]{32}$/
