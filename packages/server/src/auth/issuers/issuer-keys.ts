import { type Clock, CloudError, type Millis, parseJson } from '@nearcloud/protocol'
import {
  type CryptoKey,
  createLocalJWKSet,
  errors,
  type FlattenedJWSInput,
  type JSONWebKeySet,
  type JWSHeaderParameters,
} from 'jose'

export interface IssuerKeysOptions {
  readonly issuer: string
  /** Where the keys are; absent: where the issuer's `/.well-known/openid-configuration` says. */
  readonly jwksUrl?: string | undefined
  readonly clock: Clock
}

type FindKey = (header: JWSHeaderParameters, token: FlattenedJWSInput) => Promise<CryptoKey>

/**
 * The public keys of one issuer (JWKS). They are fetched when they are needed first, when they are ten minutes old, and at most every
 * thirty seconds for a key that is not among them: so a new key is known at once, and forged key ids cost nothing. An issuer that
 * is not reached is believed by its last keys for a day.
 */
export class IssuerKeys {
  readonly #options: IssuerKeysOptions
  #find: FindKey | undefined
  #fetched: Millis = Number.NEGATIVE_INFINITY
  #tried: Millis = Number.NEGATIVE_INFINITY
  #fetching: Promise<void> | undefined

  constructor(options: IssuerKeysOptions) {
    this.#options = options
  }

  /** The key that a token names. Throws SERVER_TIMEOUT when the issuer is not reached; what jose throws when there is none. */
  async find(header: JWSHeaderParameters, token: FlattenedJWSInput): Promise<CryptoKey> {
    if (this.#age(this.#fetched) >= freshMs && this.#mayTry()) await this.#refresh()
    const found = this.#known()
    try {
      return await found(header, token)
    } catch (thrown) {
      if (!(thrown instanceof errors.JWKSNoMatchingKey) || !this.#mayTry()) throw thrown
      await this.#refresh()
      return this.#known()(header, token)
    }
  }

  #known(): FindKey {
    if (this.#find && this.#age(this.#fetched) < keptMs) return this.#find
    throw unreachable()
  }

  /** A clock that was set back makes nothing fresh for longer. */
  #age(then: Millis): Millis {
    return Math.abs(this.#options.clock.now() - then)
  }

  #mayTry(): boolean {
    return this.#fetching !== undefined || this.#age(this.#tried) >= pauseMs
  }

  /** Everybody waits for the same answer. What goes wrong leaves the keys as they are. */
  #refresh(): Promise<void> {
    this.#fetching ??= this.#fetch().finally(() => {
      this.#fetching = undefined
    })
    return this.#fetching
  }

  async #fetch(): Promise<void> {
    this.#tried = this.#options.clock.now()
    try {
      const keys = (await fetchJson(await this.#place())) as Partial<JSONWebKeySet>
      if (!Array.isArray(keys.keys) || keys.keys.length > mostKeys) return
      this.#find = createLocalJWKSet(keys as JSONWebKeySet)
      this.#fetched = this.#tried
    } catch {
      // the keys that are known are asked
    }
  }

  async #place(): Promise<string> {
    const { issuer, jwksUrl } = this.#options
    if (jwksUrl !== undefined) return jwksUrl
    const facts = await fetchJson(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`)
    const { issuer: named, jwks_uri: place } = facts as { issuer?: unknown; jwks_uri?: unknown }
    if (named !== issuer || typeof place !== 'string' || !isSecureUrl(place)) throw unreachable()
    return place
  }
}

/** `https:`, or this machine. */
export function isSecureUrl(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, hostname, username, password } = new URL(text)
  if (username !== '' || password !== '') return false
  return (
    protocol === 'https:' || (protocol === 'http:' && ['127.0.0.1', '[::1]', 'localhost'].includes(hostname))
  )
}

async function fetchJson(url: string): Promise<object> {
  const response = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(timeoutMs) })
  if (!response.ok || !response.body) throw unreachable()
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let text = ''
  for await (const bytes of response.body as unknown as AsyncIterable<Uint8Array>) {
    text += decoder.decode(bytes, { stream: true })
    if (text.length > mostCharacters) throw unreachable()
  }
  const json: unknown = parseJson(text, 16)
  if (typeof json !== 'object' || json === null) throw unreachable()
  return json
}

function unreachable(): CloudError {
  return new CloudError('SERVER_TIMEOUT', { errMsg: 'signIn: the issuer of the token is not reached' })
}

const freshMs = 600_000
const pauseMs = 30_000
const keptMs = 24 * 3_600_000
const timeoutMs = 5_000
const mostCharacters = 262_144
const mostKeys = 100
