import { Buffer } from 'node:buffer'
import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto'
import { type Clock, CloudError, type Json, type Millis, parseJson } from '@nearcloud/protocol'
import { refused } from './signed-claims.ts'
import type { Ticket } from './tokens.ts'
import { isUid } from './uid.ts'

/** A key that servers of the operator sign tickets with, as the original's console gives them: its name, and its public half. */
export interface CustomLoginKey {
  readonly keyId: string
  /** RSA: PEM, or the bare base64 of one. */
  readonly publicKey: string
}

/** A ticket that was made elsewhere. How often its user was deleted or signed out by then, it does not know. */
export type ForeignTicket = Pick<Ticket, 'id' | 'uid' | 'sessionMs' | 'expires'>

/**
 * Tickets in the original's form, `<key id>/@@/<JWT by RS256>`, with `env`, `uid`, `iat`, `exp` (milliseconds, or seconds) and `expire`, when
 * the session ends.
 */
export class CustomLogin {
  readonly #keys: ReadonlyMap<string, KeyObject>
  readonly #env: string
  readonly #clock: Pick<Clock, 'now'>

  /** Throws SERVER_CONFIGURATION for keys that are none. */
  constructor(keys: readonly CustomLoginKey[], { env, clock }: { env: string; clock: Pick<Clock, 'now'> }) {
    this.#keys = new Map(keys.map(key => [key.keyId, keyFrom(key)]))
    if (this.#keys.size < keys.length) throw configuration('a "keyId" is there twice')
    this.#env = env
    this.#clock = clock
  }

  /** Is a text of this form? What is none is left to others. */
  static isForm(text: unknown): text is string {
    return typeof text === 'string' && text.includes(sign)
  }

  /** Throws TOKEN_REFUSED with `details.reason` `expired` or `invalid`. */
  verify(text: string): ForeignTicket {
    const [, keyId, signed, head, body, mark] = (text.length <= maxLength && form.exec(text)) || []
    const key = keyId === undefined ? undefined : this.#keys.get(keyId)
    if (!key || fieldsOf(head!).alg !== 'RS256') throw refused('invalid')
    if (!verify('sha256', Buffer.from(signed!, 'latin1'), key, Buffer.from(mark!, 'base64url')))
      throw refused('invalid')
    const { env, uid, ...times } = fieldsOf(body!)
    const [iat, exp] = [momentOf(times.iat), momentOf(times.exp)]
    const expire = times.expire === undefined ? iat + defaultSessionMs : momentOf(times.expire)
    if (env !== this.#env || !isUid(uid)) throw refused('invalid')
    const now = this.#clock.now()
    if (iat > now + toleranceMs || exp - iat > longestMs) throw refused('invalid')
    if (exp <= now) throw refused('expired')
    const sessionMs = Math.min(expire - iat, longestSessionMs)
    if (sessionMs < 1_000) throw refused('invalid')
    // of what was signed: a signature can be spelled in more than one way
    const id = createHash('sha256').update(`${keyId}\n${signed}`).digest('hex').slice(0, 32)
    return { id, uid, sessionMs, expires: exp }
  }
}

function keyFrom({ keyId, publicKey }: CustomLoginKey): KeyObject {
  if (!keyIdForm.test(keyId)) throw configuration(`"keyId" is 1 to 64 letters, digits, - and _`)
  if (publicKey.includes('PRIVATE KEY'))
    throw configuration(`the key "${keyId}" is a private one: only its public half belongs here`)
  const pem = publicKey.includes('-----BEGIN')
    ? publicKey
    : `-----BEGIN PUBLIC KEY-----\n${publicKey.replaceAll(/\s+/g, '')}\n-----END PUBLIC KEY-----`
  try {
    const key = createPublicKey(pem)
    const { modulusLength = 0 } = key.asymmetricKeyDetails ?? {}
    if (key.asymmetricKeyType === 'rsa' && modulusLength >= fewestBits) return key
  } catch {
    // told below
  }
  throw configuration(`the key "${keyId}" is no public RSA key of ${fewestBits} bits or more`)
}

function fieldsOf(part: string): { readonly [name: string]: Json } {
  try {
    const json = parseJson(Buffer.from(part, 'base64url').toString('utf8'), 4)
    if (typeof json === 'object' && json !== null && !Array.isArray(json))
      return json as { readonly [name: string]: Json }
  } catch {
    // told below
  }
  throw refused('invalid')
}

/** The original says milliseconds where JWT says seconds. Throws TOKEN_REFUSED for what is no moment. */
function momentOf(value: Json | undefined): Millis {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) throw refused('invalid')
  return value > 1e11 ? value : value * 1_000
}

function configuration(words: string): CloudError {
  return new CloudError('SERVER_CONFIGURATION', { errMsg: `customLogin: ${words}` })
}

const sign = '/@@/'
const form = /^([\w-]{1,64})\/@@\/(([\w-]{1,512})\.([\w-]{1,2048}))\.([\w-]{1,1024})$/
const keyIdForm = /^[\w-]{1,64}$/
const maxLength = 4_096
/** The original's have so many. */
const fewestBits = 1_024
const toleranceMs = 60_000
/** The original's are good for ten minutes. */
const longestMs = 3_600_000
const defaultSessionMs = 7 * 24 * 3_600_000
const longestSessionMs = 365 * 24 * 3_600_000
