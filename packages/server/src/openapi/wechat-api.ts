import type { Clock, Json, Millis } from '@nearcloud/protocol'
import type { WechatOptions } from '../auth/wechat.ts'
import type { Endpoint } from './endpoints.ts'

export type WechatAnswer =
  | { readonly kind: 'json'; readonly body: Readonly<Record<string, Json>> }
  | { readonly kind: 'binary'; readonly contentType: string; readonly bytes: Uint8Array }

/** What WeChat's servers could not be asked: in the numbers of the original. */
export class WechatFailure extends Error {
  readonly errCode: number

  constructor(errCode: number, words: string) {
    super(words)
    this.errCode = errCode
  }
}

interface Token {
  readonly text: string
  readonly until: Millis
}

/** A token, while it is asked for, too. */
interface Held {
  readonly text: Promise<string>
  until: Millis
}

/**
 * The WeChat API of one app. The access token is asked for when it is needed, by one at a time, kept until shortly before
 * it ends, and asked for once more when WeChat does not know it. Neither it nor the secret is in any error.
 */
export class WechatApi {
  readonly #options: WechatOptions
  readonly #clock: Clock
  #held: Held | undefined

  constructor(options: WechatOptions, clock: Clock) {
    this.#options = options
    this.#clock = clock
  }

  /** WeChat's own refusals are answers, with an `errcode`. Rejects with a WechatFailure. */
  async call(endpoint: Endpoint, body: Json): Promise<WechatAnswer> {
    const held = this.#currentToken()
    const answer = await this.#ask(endpoint, await held.text, body)
    if (answer.kind === 'binary' || !staleTokens.includes(Number(answer.body.errcode))) return answer
    if (this.#held === held) this.#held = undefined
    return this.#ask(endpoint, await this.#currentToken().text, body)
  }

  #currentToken(): Held {
    if (this.#held && this.#held.until > this.#clock.now()) return this.#held
    const asked = this.#askToken()
    const held: Held = { text: asked.then(({ text }) => text), until: Number.POSITIVE_INFINITY }
    this.#held = held
    asked.then(
      ({ until }) => {
        held.until = until
      },
      () => {
        if (this.#held === held) this.#held = undefined
      },
    )
    return held
  }

  async #askToken(): Promise<Token> {
    const { appId, secret } = this.#options
    const query = { grant_type: 'client_credential', appid: appId, secret }
    const answer = await this.#fetch('/cgi-bin/token', query, { method: 'GET' })
    const {
      access_token: text,
      expires_in: seconds,
      errcode,
      errmsg,
    } = answer.kind === 'json' ? answer.body : {}
    if (typeof text !== 'string' || typeof seconds !== 'number')
      throw new WechatFailure(
        typeof errcode === 'number' ? errcode : systemError,
        `no access token: ${typeof errmsg === 'string' ? errmsg : 'the answer is not one'}`,
      )
    const lifeMs = Math.max(0, seconds * 1_000 - Math.min(earlierMs, (seconds * 1_000) / 10))
    return { text, until: this.#clock.now() + lifeMs }
  }

  #ask({ path, method, isBinary = false }: Endpoint, token: string, body: Json): Promise<WechatAnswer> {
    const request =
      method === 'GET'
        ? { method }
        : { method, body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }
    return this.#fetch(path, { access_token: token }, request, isBinary)
  }

  async #fetch(
    path: string,
    query: Record<string, string>,
    request: RequestInit,
    isBinary = false,
  ): Promise<WechatAnswer> {
    const { baseUrl = 'https://api.weixin.qq.com' } = this.#options
    const url = new URL(path, baseUrl)
    url.search = new URLSearchParams(query).toString()
    const ending = new AbortController()
    const cancel = this.#clock.after(timeLimitMs, () => ending.abort())
    try {
      const response = await fetch(url, { ...request, redirect: 'error', signal: ending.signal })
      const bytes = await bodyOf(response)
      const contentType = response.headers.get('content-type') ?? ''
      const text =
        /json|text/.test(contentType) || bytes[0] === 0x7b ? new TextDecoder().decode(bytes) : undefined
      const json = text === undefined ? undefined : parsed(text)
      if (json) return { kind: 'json', body: json }
      if (isBinary && response.ok && text === undefined) return { kind: 'binary', contentType, bytes }
      throw new WechatFailure(systemError, `the answer has status ${response.status} and is not JSON`)
    } catch (thrown) {
      if (thrown instanceof WechatFailure) throw thrown
      if (ending.signal.aborted)
        throw new WechatFailure(timedOut, `no answer within ${timeLimitMs / 1_000} s`)
      throw new WechatFailure(systemError, `${url.host} could not be asked`)
    } finally {
      cancel()
    }
  }
}

async function bodyOf(response: Response): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.length
    if (size > mostBytes) throw new WechatFailure(systemError, `the answer has more than ${mostBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function parsed(text: string): Readonly<Record<string, Json>> | undefined {
  try {
    const json: unknown = JSON.parse(text)
    return typeof json === 'object' && json !== null && !Array.isArray(json)
      ? (json as Record<string, Json>)
      : undefined
  } catch {
    return undefined
  }
}

const [timedOut, systemError] = [-604102, -604103]
/** WeChat does not know the token, or not any more. */
const staleTokens = [40001, 40014, 42001]
/** A token is given up so long before it ends. */
const earlierMs = 300_000
const timeLimitMs = 10_000
const mostBytes = 8_388_608
