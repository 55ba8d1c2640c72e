import { createHash } from 'node:crypto'
import { type Clock, CloudError } from '@nearcloud/protocol'
import { decodeJwt, errors, type JWTPayload, jwtVerify } from 'jose'
import { rolesFrom } from '../roles.ts'
import { refused } from '../signed-claims.ts'
import { isUid } from '../uid.ts'
import type { Users } from '../users.ts'
import { IssuerKeys, isSecureUrl } from './issuer-keys.ts'

/** Somebody whose signed tokens (JWT) say who a user is: an OpenID provider, or a service of one's own. */
export interface IssuerOptions {
  /** What uids begin with: 2 to 8 small letters and digits. A user is `<name>:<sub>`. */
  readonly name: string
  /** As `iss` has it, to the letter: `https://accounts.example.com`. */
  readonly issuer: string
  /** One of which `aud` has to name: what the provider calls this app. */
  readonly audience: string | readonly string[]
  /** Where the public keys are (JWKS). Default: where the issuer's `/.well-known/openid-configuration` says. */
  readonly jwksUrl?: string
  /** How much two clocks may differ, in seconds. Default 60. */
  readonly clockToleranceS?: number
  /** The claim with the roles, a list of texts, or one; dotted for one inside another. Absent: tokens say nothing of roles. */
  readonly rolesClaim?: string
}

export interface TokenExchange {
  /**
   * A ticket for whom the token names. Rejects with INVALID_PARAM, TOKEN_REFUSED (`details.reason` `expired` or `invalid`),
   * EXCEED_REQUEST_LIMIT, SERVER_TIMEOUT (the issuer was never reached, or not for a day).
   */
  ticketFor(token: unknown): Promise<string>
}

/** Throws SERVER_CONFIGURATION, in one sentence, for issuers that cannot be. */
export function tokenExchange(
  options: readonly IssuerOptions[],
  { users, clock }: { readonly users: Pick<Users, 'createTicket'>; readonly clock: Clock },
): TokenExchange {
  const issuers = new Map<string, { readonly options: IssuerOptions; readonly keys: IssuerKeys }>()
  const names = new Set<string>()
  for (const each of options) {
    checkIssuer(each)
    const { issuer, jwksUrl, name } = each
    if (issuers.has(issuer) || names.has(name)) throw wrong(`"${name}" (${issuer}) is there twice`)
    names.add(name)
    issuers.set(issuer, { options: each, keys: new IssuerKeys({ issuer, jwksUrl, clock }) })
  }
  let underWay = 0

  async function claimsOf(token: string): Promise<{ claims: JWTPayload; options: IssuerOptions }> {
    try {
      // who says so is looked at first, and believed when the signature is right
      const issuer = issuers.get(String(decodeJwt(token).iss))
      if (!issuer) throw refused('invalid')
      const { options, keys } = issuer
      const audience = typeof options.audience === 'string' ? [options.audience] : [...options.audience]
      const { payload: claims } = await jwtVerify(token, (header, jws) => keys.find(header, jws), {
        algorithms: [...algorithms],
        issuer: options.issuer,
        audience,
        requiredClaims: ['sub', 'exp', 'aud', 'iss'],
        clockTolerance: options.clockToleranceS ?? 60,
        currentDate: new Date(clock.now()),
      })
      if (typeof claims.sub !== 'string' || claims.sub === '' || claims.sub.length > longestSubject)
        throw refused('invalid')
      // of several readers one has asked for it
      if (Array.isArray(claims.aud) && claims.aud.length > 1 && !audience.includes(String(claims.azp)))
        throw refused('invalid')
      return { claims, options }
    } catch (cause) {
      if (cause instanceof CloudError) throw cause
      throw refused(cause instanceof errors.JWTExpired ? 'expired' : 'invalid', cause)
    }
  }

  return {
    async ticketFor(token) {
      if (typeof token !== 'string' || token === '')
        throw new CloudError('INVALID_PARAM', { errMsg: 'signIn: token is the text that the issuer gave' })
      if (token.length > mostCharacters) throw refused('invalid')
      if (underWay >= mostUnderWay)
        throw new CloudError('EXCEED_REQUEST_LIMIT', {
          errMsg: 'signIn: too many sign in at once, try again',
        })
      underWay++
      try {
        const { claims, options } = await claimsOf(token)
        const { name, rolesClaim } = options
        const roles = rolesClaim === undefined ? undefined : rolesIn(claims, rolesClaim)
        return await users.createTicket(uidFor(name, claims.sub!), roles && { roles })
      } finally {
        underWay--
      }
    },
  }
}

/** `<name>:<sub>`; a subject that is no uid, or could be taken for a sum, becomes one: `<name>:~<sum>`. */
export function uidFor(name: string, sub: string): string {
  const plain = `${name}:${sub}`
  if (isUid(plain) && !sub.startsWith('~')) return plain
  return `${name}:~${createHash('sha256').update(sub, 'utf8').digest('base64url').slice(0, 22)}`
}

/** What is no list of texts of an acceptable length is no role. */
function rolesIn(claims: JWTPayload, claim: string): readonly string[] {
  let found: unknown = claims
  // a claim may have a dot in its name, as those that are addresses do
  if (Object.hasOwn(claims, claim)) found = claims[claim]
  else
    for (const key of claim.split('.'))
      found =
        typeof found === 'object' && found !== null && Object.hasOwn(found, key)
          ? (found as Record<string, unknown>)[key]
          : undefined
  const list = typeof found === 'string' ? [found] : found
  return rolesFrom(list) ?? []
}

function checkIssuer(given: IssuerOptions): void {
  const { name, issuer, audience, jwksUrl, clockToleranceS = 60, rolesClaim = 'roles' } = given
  if (typeof name !== 'string' || !nameForm.test(name) || taken.includes(name))
    throw wrong(`"name" has 2 to 8 small letters and digits, and is none of ${taken.join(', ')}`)
  if (typeof issuer !== 'string' || !isSecureUrl(issuer))
    throw wrong(`"issuer" of "${name}" is an https address`)
  if (jwksUrl !== undefined && (typeof jwksUrl !== 'string' || !isSecureUrl(jwksUrl)))
    throw wrong(`"jwksUrl" of "${name}" is an https address`)
  const audiences: readonly unknown[] = Array.isArray(audience) ? audience : [audience]
  if (audiences.length === 0 || !audiences.every(each => typeof each === 'string' && each !== ''))
    throw wrong(`"audience" of "${name}" is a text, or a list of them: what the issuer calls this app`)
  if (!(clockToleranceS >= 0 && clockToleranceS <= 600))
    throw wrong(`"clockToleranceS" of "${name}" is a number of seconds, 0 to 600`)
  if (typeof rolesClaim !== 'string' || rolesClaim === '') throw wrong(`"rolesClaim" of "${name}" is a text`)
}

function wrong(words: string): CloudError {
  return new CloudError('SERVER_CONFIGURATION', { errMsg: `issuers: ${words}` })
}

/** Of public keys alone: what everybody can read signs nothing. */
const algorithms = [
  ...(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'] as const),
  ...(['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'] as const),
]
const nameForm = /^[a-z0-9]{2,8}$/
/** Prefixes of other ways to sign in. */
const taken = ['wx', 'pw', 'ali']
/** As OpenID has it. */
const longestSubject = 255
const mostCharacters = 8_192
const mostUnderWay = 100
