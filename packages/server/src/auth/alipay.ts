import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import { type Clock, CloudError, parseJson } from '@nearcloud/protocol'
import { uidFor } from './issuers/issuers.ts'
import type { Users } from './users.ts'
import type { CodeExchange } from './wechat.ts'

/** A mini program of Alipay: its users sign in by `my.getAuthCode`. */
export interface AlipayOptions {
  readonly appId: string
  /** The application's own private key (RSA2): PEM, or the bare base64 of PKCS #8 or PKCS #1. */
  readonly privateKey: string
  /** Alipay's public key for this application, likewise. With it an answer counts only with Alipay's signature. */
  readonly alipayPublicKey?: string
  /** Where Alipay's gateway is. Default: Alipay's. */
  readonly baseUrl?: string
}

/**
 * Exchanges codes at Alipay's gateway. A user's uid is `ali:` and Alipay's id of the user, or a sum of one that is too long.
 *
 * Throws SERVER_CONFIGURATION for keys that are none.
 */
export function alipayExchange(
  options: AlipayOptions,
  { users, clock }: { readonly users: Pick<Users, 'createTicket'>; readonly clock: Pick<Clock, 'now'> },
): CodeExchange {
  const { appId, baseUrl = 'https://openapi.alipay.com' } = options
  const ownKey = keyFrom('privateKey', options.privateKey)
  const theirKey =
    options.alipayPublicKey === undefined ? undefined : keyFrom('alipayPublicKey', options.alipayPublicKey)
  let underWay = 0
  return {
    async ticketFor(code) {
      if (typeof code !== 'string' || !codeForm.test(code))
        throw new CloudError('INVALID_PARAM', { errMsg: 'login: code is the text that my.getAuthCode gave' })
      if (underWay >= mostUnderWay)
        throw new CloudError('EXCEED_REQUEST_LIMIT', { errMsg: 'login: too many sign in at once, try again' })
      underWay++
      try {
        return await users.createTicket(uidFor('ali', await userOf(code)))
      } finally {
        underWay--
      }
    },
  }

  async function userOf(code: string): Promise<string> {
    const wishes: Record<string, string> = {
      ...{ app_id: appId, method: 'alipay.system.oauth.token', format: 'JSON', charset: 'utf-8' },
      ...{ sign_type: 'RSA2', timestamp: beijingTime(clock.now()), version: '1.0' },
      ...{ grant_type: 'authorization_code', code },
    }
    const text = await ask(`${baseUrl}/gateway.do`, { ...wishes, sign: signatureOf(wishes, ownKey) })
    const { answer, error } = answerIn(text, theirKey)
    if (answer) {
      const { open_id: openid, user_id: userId } = answer
      const user = typeof openid === 'string' && openid !== '' ? openid : userId
      if (typeof user === 'string' && userForm.test(user)) return user
      throw new CloudError('SYS_ERR', { errMsg: 'login: Alipay answered without a user' })
    }
    const subCode = String(error?.sub_code ?? '').slice(0, 60)
    const errorCode = String(error?.code ?? '').slice(0, 20)
    if (subCode.startsWith('isv.code-'))
      throw new CloudError('TOKEN_REFUSED', {
        errMsg: 'login: Alipay refuses this code: call my.getAuthCode again',
        details: { reason: 'invalid' },
      })
    if (busyCodes.includes(errorCode) || subCode.startsWith('isp.'))
      throw new CloudError('EXCEED_REQUEST_LIMIT', { errMsg: 'login: Alipay is busy, try again' })
    throw new CloudError('SYS_ERR', {
      errMsg: `login: Alipay refuses this server (${errorCode} ${subCode}): look at appId and the keys`,
    })
  }
}

/** What is asked, sorted by name, as the gateway wants it signed. */
function signatureOf(wishes: Readonly<Record<string, string>>, key: KeyObject): string {
  const text = Object.entries(wishes)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join('&')
  return sign('sha256', Buffer.from(text, 'utf8'), key).toString('base64')
}

/** What Alipay says. Nothing of the request gets into an error. */
async function ask(url: string, wishes: Readonly<Record<string, string>>): Promise<string> {
  try {
    const response = await fetch(url, {
      ...{ method: 'POST', redirect: 'error', body: new URLSearchParams(wishes) },
      signal: AbortSignal.timeout(timeoutMs),
    })
    if (!response.ok) throw new Error(`status ${response.status}`)
    return await response.text()
  } catch {
    throw new CloudError('SERVER_TIMEOUT', { errMsg: 'login: Alipay is not reached' })
  }
}

interface AlipayAnswer {
  readonly answer?: Readonly<Record<string, unknown>>
  readonly error?: Readonly<Record<string, unknown>>
}

function answerIn(text: string, theirKey: KeyObject | undefined): AlipayAnswer {
  const nonsense = new CloudError('SYS_ERR', { errMsg: 'login: Alipay answered with something else' })
  let json: unknown
  try {
    if (text.length <= mostCharacters) json = parseJson(text, 16)
  } catch {
    // told below
  }
  if (!isRecord(json)) throw nonsense
  const { alipay_system_oauth_token_response: answer, error_response: error, sign: signature } = json
  if (isRecord(answer) && answer.sub_code === undefined) {
    if (theirKey && !isTheirs(text, signature, theirKey)) throw nonsense
    return { answer }
  }
  if (isRecord(answer)) return { error: answer }
  if (isRecord(error)) return { error }
  throw nonsense
}

/** The signature is of the answer as it is written, from its first to its last bracket. */
function isTheirs(text: string, signature: unknown, key: KeyObject): boolean {
  if (typeof signature !== 'string') return false
  const name = '"alipay_system_oauth_token_response"'
  const begin = text.indexOf('{', text.indexOf(name) + name.length)
  for (let end = text.indexOf('}', begin); end >= 0; end = text.indexOf('}', end + 1)) {
    const written = text.slice(begin, end + 1)
    if (!isJson(written)) continue
    return verify('sha256', Buffer.from(written, 'utf8'), key, Buffer.from(signature, 'base64'))
  }
  return false
}

function isJson(text: string): boolean {
  try {
    parseJson(text, 16)
    return true
  } catch {
    return false
  }
}

function keyFrom(name: 'privateKey' | 'alipayPublicKey', text: string): KeyObject {
  const kinds = name === 'privateKey' ? ['PRIVATE KEY', 'RSA PRIVATE KEY'] : ['PUBLIC KEY', 'RSA PUBLIC KEY']
  const pems = text.includes('-----BEGIN')
    ? [text]
    : kinds.map(kind => `-----BEGIN ${kind}-----\n${text.replaceAll(/\s+/g, '')}\n-----END ${kind}-----`)
  for (const pem of pems)
    try {
      const key = name === 'privateKey' ? createPrivateKey(pem) : createPublicKey(pem)
      if (key.asymmetricKeyType === 'rsa') return key
    } catch {
      // perhaps the other kind
    }
  throw new CloudError('SERVER_CONFIGURATION', { errMsg: `alipay: "${name}" is no RSA key` })
}

/** `2026-01-31 18:00:00`, as the gateway reads it. */
function beijingTime(now: number): string {
  return new Date(now + 8 * 3_600_000).toISOString().slice(0, 19).replace('T', ' ')
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const codeForm = /^[\w-]{1,128}$/
const userForm = /^[\w-]{8,128}$/
/** Not available, and too many calls. */
const busyCodes: readonly string[] = ['20000', '40005']
const timeoutMs = 5_000
const mostCharacters = 65_536
const mostUnderWay = 100
