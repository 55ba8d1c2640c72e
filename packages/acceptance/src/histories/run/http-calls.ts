import { randomUUID } from 'node:crypto'
import type { Dice } from '../../scenario/dice.ts'

/** `failed`: it was refused; `unsent`: nobody was there to ask; `unknown`: nobody knows what became of it. */
export type Called =
  | { readonly outcome: 'ok'; readonly body: Readonly<Record<string, unknown>> }
  | { readonly outcome: 'failed' | 'unsent' }
  /** `isTold`: the server says so itself, and will not say anything else. */
  | { readonly outcome: 'unknown'; readonly isTold?: boolean }

/** The HTTP API as a user of its own asks it. */
export class HttpCalls {
  readonly #api: string
  readonly #dice: Dice
  readonly #isUp: () => boolean
  #token: string | undefined

  /** `isUp`: is there anybody to ask? */
  constructor({ url, dice, isUp }: { url: string; dice: Dice; isUp: () => boolean }) {
    this.#api = `${url}/cloud/v1`
    this.#dice = dice
    this.#isUp = isUp
  }

  /** As somebody else from now on. */
  renew(): void {
    this.#token = undefined
  }

  /**
   * Half of what changes something is asked under a key: then it is asked again until somebody says what became of it. Throws for
   * what is no outcome: an answer that no request of ours deserves.
   */
  async call(method: string, path: string, body?: object, isWrite = false): Promise<Called> {
    const key = isWrite && this.#dice.below(2) === 0 ? randomUUID() : undefined
    let isSent = false
    while (!this.#isUp()) await pause(5)
    for (let attempt = 0; ; attempt++) {
      const called = await this.#once(method, path, body, key)
      if (called.outcome === 'unknown') isSent = true
      const isOver = called.outcome === 'ok' || (called.outcome === 'unknown' && called.isTold)
      if (isOver || key === undefined || !isSent) return called
      // one that may have happened before is not unsent because it cannot be asked again now
      if (attempt >= mostAttempts) return { outcome: 'unknown' }
      await pause(20)
    }
  }

  /**
   * What the run itself has to know or have done, once: asked again when there was no answer, as on a connection that the server
   * had closed meanwhile because nothing was said on it. Throws when there is none at all.
   */
  async insist(method: string, path: string, body?: object): Promise<Readonly<Record<string, unknown>>> {
    const key = method === 'GET' ? undefined : randomUUID()
    for (let attempt = 0; attempt <= mostAttempts; attempt++) {
      const called = await this.#once(method, path, body, key)
      if (called.outcome === 'ok') return called.body
      if (called.outcome === 'failed') break
      await pause(20)
    }
    throw new Error(`${method} ${path} is not done`)
  }

  async #once(
    method: string,
    path: string,
    body: object | undefined,
    key: string | undefined,
  ): Promise<Called> {
    try {
      this.#token ??= await this.#signIn()
    } catch {
      await pause(20)
      return { outcome: 'unsent' }
    }
    let status: number
    let text: string
    try {
      const response = await fetch(`${this.#api}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${this.#token}`,
          ...(body && { 'content-type': 'application/json' }),
          ...(key !== undefined && { 'idempotency-key': key }),
        },
        ...(body && { body: JSON.stringify(body) }),
      })
      status = response.status
      text = await response.text()
    } catch (error) {
      const isRefused = codeOf(error) === 'ECONNREFUSED'
      if (isRefused) await pause(20)
      return { outcome: isRefused ? 'unsent' : 'unknown' }
    }
    if (status === 200 || status === 201) return { outcome: 'ok', body: JSON.parse(text) }
    if (status === 409) return { outcome: 'failed' }
    if (status >= 500) return { outcome: 'unknown', isTold: status !== 503 }
    throw new Error(`${method} ${path}: ${status} ${text}`)
  }

  async #signIn(): Promise<string> {
    const response = await fetch(`${this.#api}/auth/anonymous`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    })
    return ((await response.json()) as { accessToken: string }).accessToken
  }
}

const mostAttempts = 500

export function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}

function codeOf(error: unknown): string | undefined {
  return (error as { cause?: { code?: string } }).cause?.code
}
