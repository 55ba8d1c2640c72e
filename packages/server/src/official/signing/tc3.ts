import { Buffer } from 'node:buffer'
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { Json } from '@nearcloud/protocol'

/*
 * The signature of the official SDKs (TC3-HMAC-SHA256), looked at from the other side. It covers the address, the headers it names
 * and the parameters it names; what is not covered is refused, so nothing that was added on the way is read.
 */

/** A request as it came. */
export interface SignedRequest {
  readonly method: string
  /** Of the address: `127.0.0.1:4321`, `/admin`, `env=…` without the question mark. */
  readonly host: string
  readonly path: string
  readonly query: string
  header(name: string): string | undefined
}

/** What an `authorization` header says, before anything of it is believed. */
export interface Claim {
  readonly secretId: string
  readonly date: string
  readonly params: readonly string[]
  readonly headers: readonly string[]
  readonly signature: string
}

/** Undefined for what no SDK writes. */
export function readClaim(authorization: string | undefined): Claim | undefined {
  if (authorization === undefined || authorization.length > 8_192) return undefined
  const parts = claimForm.exec(authorization)
  if (!parts) return undefined
  const [, secretId, date, params = '', headers, signature] = parts
  return {
    secretId: secretId!,
    date: date!,
    params: params === '' ? [] : params.split(';'),
    headers: headers!.split(';'),
    signature: signature!,
  }
}

/** Whether the claim is signed with this secret, over all that the request says. `seconds`: since 1970, when it was signed. */
export function isSigned(
  claim: Claim,
  request: SignedRequest,
  body: { readonly [key: string]: Json },
  secretKey: string,
  seconds: number,
): boolean {
  const shown = Buffer.from(claim.signature, 'hex')
  const payload = payloadHash(claim, body)
  const headers = canonicalHeaders(claim, request)
  if (payload === undefined || headers === undefined || dateOf(seconds) !== claim.date) return false
  const place = `//${request.host}${request.path}\n${request.query}`
  const scope = `${claim.date}/tcb/tc3_request`
  const key = ['tcb', 'tc3_request'].reduce(
    (last, part) => hmac(last, part),
    hmac(`TC3${secretKey}`, claim.date),
  )
  // SDKs say the method as their caller spelt it
  return [request.method.toLowerCase(), request.method.toUpperCase()].some(method => {
    const canonical = `${method}\n${place}\n${headers}\n${claim.headers.join(';')}\n${payload}`
    return timingSafeEqual(
      hmac(key, `TC3-HMAC-SHA256\n${seconds}\n${scope}\n${sha256().update(canonical).digest('hex')}`),
      shown,
    )
  })
}

/** Undefined when there is a parameter that is not covered, or two that differ in their case alone. */
function payloadHash({ params }: Claim, body: { readonly [key: string]: Json }): string | undefined {
  const texts = new Map<string, string>()
  for (const key of Object.keys(body)) {
    const name = encodeName(key)
    if (texts.has(name)) return undefined
    const value = body[key]!
    texts.set(name, (typeof value === 'string' ? value : JSON.stringify(value)).trim())
  }
  const said = [...texts].filter(([, text]) => text !== '')
  if (said.length !== params.length) return undefined
  const hash = sha256()
  const covered = new Set<string>()
  for (const name of params) {
    const text = texts.get(name)
    if (text === undefined || text === '' || covered.has(name)) return undefined
    covered.add(name)
    hash.update(`&${name}=`).update(text).update('\r\n')
  }
  return hash.digest('hex')
}

/** Undefined when one is missing, or the address or the kind of body is not among them. */
function canonicalHeaders({ headers }: Claim, request: SignedRequest): string | undefined {
  if (!headers.includes('host') || !headers.includes('content-type')) return undefined
  let text = ''
  for (const name of headers) {
    const value = request.header(name)
    if (value === undefined) return undefined
    const kept = name === 'content-type' ? value : value.trim().toLowerCase()
    text += `${name}:${kept}\n`
  }
  return text
}

/** As the SDKs name a parameter. */
function encodeName(key: string): string {
  return encodeURIComponent(key.toLowerCase().trim()).replace(
    /[!'()*]/g,
    sign => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

function dateOf(seconds: number): string {
  return new Date(seconds * 1_000).toISOString().slice(0, 10)
}

function sha256() {
  return createHash('sha256')
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text, 'utf8').digest()
}

const claimForm =
  /^TC3-HMAC-SHA256 Credential=([\w.-]{1,200})\/(\d{4}-\d\d-\d\d)\/tcb\/tc3_request,(?: SignedParams=([^,\s]*),)? SignedHeaders=([^,\s]+), Signature=([0-9a-f]{64})$/
