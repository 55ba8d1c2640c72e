import { createHash, createHmac } from 'node:crypto'
import type { SdkKey } from '../signing/sdk-keys.ts'

export interface Signing {
  /** In seconds. Default: now. */
  readonly seconds?: number
  /** What is changed after it was signed. */
  alter?(sent: Sent): Sent
}

/** A request as it is sent. */
export interface Sent {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

let count = 0

/** Asks `/admin` with a signature, as the official SDKs make it. */
export async function signedFetch(
  { serviceUrl, secretId, secretKey }: SdkKey & { readonly serviceUrl: string },
  params: Readonly<Record<string, unknown>>,
  { seconds = Math.floor(Date.now() / 1_000), alter = sent => sent }: Signing = {},
): Promise<Record<string, unknown> & { code?: string; message?: string }> {
  const url = `${serviceUrl}?env=default&seqId=${count++}`
  const { host, pathname, search } = new URL(url)
  const body = { envName: 'default', ...params } as Record<string, unknown>
  const headers: Record<string, string> = { 'content-type': 'application/json', host }
  const names = Object.keys(body)
    .filter(key => body[key] !== '')
    .sort((a, b) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1))
  const hash = createHash('sha256')
  for (const key of names) {
    const value = body[key]
    hash.update(`&${key.toLowerCase()}=${typeof value === 'string' ? value : JSON.stringify(value)}\r\n`)
  }
  const date = new Date(seconds * 1_000).toISOString().slice(0, 10)
  const canonical = `post\n//${host}${pathname}\n${search.slice(1)}\ncontent-type:application/json\nhost:${host}\n\ncontent-type;host\n${hash.digest('hex')}`
  const scope = `${date}/tcb/tc3_request`
  const text = `TC3-HMAC-SHA256\n${seconds}\n${scope}\n${createHash('sha256').update(canonical).digest('hex')}`
  const key = ['tcb', 'tc3_request'].reduce(hmac, hmac(`TC3${secretKey}`, date))
  const params64 = names.map(name => name.toLowerCase()).join(';')
  headers.authorization = `TC3-HMAC-SHA256 Credential=${secretId}/${scope}, SignedParams=${params64}, SignedHeaders=content-type;host, Signature=${hmac(key, text).toString('hex')}`
  headers['x-timestamp'] = String(seconds)
  const sent = alter({ url, headers, body: JSON.stringify(body) })
  const response = await fetch(sent.url, { method: 'POST', headers: sent.headers, body: sent.body })
  return (await response.json()) as Record<string, unknown>
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}
