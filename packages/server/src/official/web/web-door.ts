import { CloudError, type Json, limits, parseJson, type RandomBytes, toHex } from '@nearcloud/protocol'
import { CloudbaseError, cloudbaseError } from '@nearcloud/query/dialects'
import type { Context, Hono } from 'hono'
import { cors } from 'hono/cors'
import type { Actor } from '../../actor.ts'
import { addressOf, networkOf } from '../../http/address-of.ts'
import type { Doorkeeper } from '../../http/doorkeeper.ts'
import { type Rates, retryAfter } from '../../http/rates.ts'
import { readText } from '../../http/read-text.ts'
import type { Log } from '../../log-line.ts'
import { logFailure } from '../log-failure.ts'

export interface WebDoorOptions {
  readonly random: RandomBytes
  readonly doorkeeper: Pick<Doorkeeper, 'mayEnter'>
  readonly log: Log
  readonly rates: Pick<Rates, 'request'>
  /** The user of an access token. Rejects for every other text. */
  identify(token: string): Promise<Actor>
}

type Status = 400 | 401 | 403 | 404 | 409 | 413 | 429 | 500 | 503

/** What every request of `@cloudbase/js-sdk` meets: who may ask, what a body is, and how a failure is told. */
export class WebDoor {
  readonly #options: WebDoorOptions

  constructor(options: WebDoorOptions) {
    this.#options = options
  }

  /** Pages that may talk to the server may ask: a token counts here, no cookie. */
  open(app: Hono, path: string): void {
    const { doorkeeper } = this.#options
    app.use(
      path,
      cors({
        origin: origin => (doorkeeper.mayEnter(origin === '' ? undefined : origin) ? '*' : null),
        allowMethods: ['GET', 'POST', 'PATCH'],
        maxAge: 86_400,
      }),
    )
  }

  /**
   * Answers with what `work` gives, as JSON; a failure is `{ code, message, requestId }`. `isToldWith200`: what is wrong with the request is,
   * too, as the SDK reads no other answer.
   */
  async answer(
    c: Context,
    work: (requestId: string) => Promise<unknown>,
    { isToldWith200 = false }: { readonly isToldWith200?: boolean } = {},
  ): Promise<Response> {
    const { random, doorkeeper, log } = this.#options
    const requestId = toHex(random(16))
    try {
      if (!doorkeeper.mayEnter(c.req.header('origin')))
        throw new CloudbaseError('INVALID_REQUEST_SOURCE', 'not from this origin')
      return c.json((await work(requestId)) as object, 200, noStore)
    } catch (thrown) {
      const { code, message } = cloudbaseError(thrown)
      if (code === 'SYS_ERR') logFailure(log, thrown)
      const said = code === 'SYS_ERR' ? 'the server failed' : message
      // sign-in reads the last two
      const body = { code, message: said, requestId, error: code.toLowerCase(), error_description: said }
      const isTooMuch = thrown instanceof CloudError && code === 'EXCEED_REQUEST_LIMIT'
      const isToBeTold = isToldWith200 && !plainFailures.has(code)
      const status = isToBeTold ? 200 : statusOf(code)
      return c.json(body, status, { ...noStore, ...(isTooMuch && retryAfter(thrown)) })
    }
  }

  /** Who shows an access token. Throws CHECK_LOGIN_FAILED. */
  async userOf(c: Context): Promise<Actor & { readonly kind: 'user' }> {
    const token = /^Bearer (\S+)$/i.exec(c.req.header('authorization') ?? '')?.[1]
    return this.userBy(c, token)
  }

  /** As `userOf`, where the token comes another way. */
  async userBy(c: Context, token: string | undefined): Promise<Actor & { readonly kind: 'user' }> {
    try {
      if (token === undefined) throw new CloudbaseError('CHECK_LOGIN_FAILED', 'sign in first')
      const actor = await this.userWith(token)
      this.#options.rates.request(networkOf(addressOf(c)), actor)
      return actor
    } catch (thrown) {
      if (thrown instanceof CloudbaseError) this.countStranger(c)
      throw thrown
    }
  }

  /** Who has not said who it is asks only so often. Throws EXCEED_REQUEST_LIMIT. */
  countStranger(c: Context): void {
    this.#options.rates.request(networkOf(addressOf(c)), { kind: 'stranger' })
  }

  /** The user of an access token. Throws ACCESS_TOKEN_EXPIRED, at which the SDK asks for another, CHECK_LOGIN_FAILED. */
  async userWith(token: string): Promise<Actor & { readonly kind: 'user' }> {
    const actor = await this.#options.identify(token).catch((thrown: unknown) => {
      const { details } = thrown instanceof CloudError ? thrown : { details: {} as { reason?: unknown } }
      if (details.reason === 'expired')
        throw new CloudbaseError('ACCESS_TOKEN_EXPIRED', 'the access token has expired')
    })
    if (actor?.kind === 'user') return actor
    throw new CloudbaseError('CHECK_LOGIN_FAILED', 'sign in first')
  }
}

/** The body as JSON; `{}` for none. */
export async function bodyOf(c: Context, mostBytes: number = limits.frameBytes): Promise<Json> {
  const text = await readText(c.req.raw, mostBytes)
  if (text === undefined)
    throw new CloudError('INVALID_PARAM', { errMsg: `a body is at most ${mostBytes} bytes of text` })
  return text === '' ? {} : parseJson(text, limits.depth + 3 * limits.filterDepth)
}

function statusOf(code: string): Status {
  return statuses[code] ?? 400
}

const statuses: Readonly<Record<string, Status>> = {
  TOKEN_REFUSED: 401,
  CHECK_LOGIN_FAILED: 401,
  ACCESS_TOKEN_EXPIRED: 401,
  INVALID_REQUEST_SOURCE: 403,
  DATABASE_PERMISSION_DENIED: 403,
  DATABASE_TRANSACTION_CONFLICT: 409,
  STORAGE_EXCEED_AUTHORITY: 403,
  FUNCTION_NOT_FOUND: 404,
  UPLOAD_TOO_LARGE: 413,
  EXCEED_REQUEST_LIMIT: 429,
  SYS_ERR: 500,
  CLOSED: 503,
}
/** They are for whatever stands between as well. */
const plainFailures = new Set(['INVALID_REQUEST_SOURCE', 'EXCEED_REQUEST_LIMIT', 'SYS_ERR', 'CLOSED'])
const noStore = { 'cache-control': 'no-store' }
