import { type Clock, CloudError } from '@nearcloud/protocol'
import type { Hono } from 'hono'
import { cors } from 'hono/cors'
import type { TokenExchange } from '../auth/issuers/issuers.ts'
import { Attempts, type Pace } from '../auth/passwords/attempts.ts'
import type { Log } from '../log-line.ts'
import { addressOf, networkOf } from './address-of.ts'
import type { Doorkeeper } from './doorkeeper.ts'
import { readText } from './read-text.ts'

export interface TokenRoutesOptions {
  /** Absent: nobody signs in this way. */
  readonly tokens: TokenExchange | undefined
  readonly doorkeeper: Doorkeeper
  readonly clock: Clock
  readonly log: Log
}

/**
 * `POST /auth/token` with `{ "token": … }` of an issuer: 200 `{ "ticket": … }`, good for one sign-in. Errors are `{ code, errMsg,
 * details }`: 400 for what is no token, 401 for one that is refused, 404 where nobody signs in this way, 413, 429 with `retry-after`,
 * 503 when the issuer is not reached.
 */
export function addTokenRoutes(app: Hono, { tokens, doorkeeper, clock, log }: TokenRoutesOptions): void {
  const attempts = new Attempts(clock)
  // a token counts here, no cookie, so any page that may talk to the server may ask
  app.use(
    '/auth/token',
    cors({
      origin: origin => (doorkeeper.mayEnter(origin === '' ? undefined : origin) ? '*' : null),
      allowMethods: ['POST'],
      allowHeaders: ['content-type'],
      exposeHeaders: ['retry-after'],
      maxAge: 86_400,
    }),
  )
  app.post('/auth/token', async c => {
    if (!doorkeeper.mayEnter(c.req.header('origin')))
      return c.json({ code: 'PROTOCOL_ERROR', errMsg: 'not from this origin' }, 403)
    const text = await readText(c.req.raw, mostBytes)
    if (text === undefined)
      return c.json(
        { code: 'INVALID_PARAM', errMsg: 'signIn: not a text, or a longer one than there is' },
        413,
      )
    if (!tokens)
      return c.json({ code: 'INVALID_PARAM', errMsg: 'signIn: the server knows no issuers of tokens' }, 404)
    try {
      const giveBack = attempts.take([{ pace, key: networkOf(addressOf(c)) }])
      const ticket = await tokens.ticketFor(tokenIn(text))
      giveBack()
      return c.json({ ticket }, 200, noStore)
    } catch (thrown) {
      if (!(thrown instanceof CloudError)) throw thrown
      const { code, errMsg, details } = thrown
      if (code === 'SERVER_TIMEOUT') log({ level: 'warn', event: 'login.failed', message: errMsg })
      const { retryAfterMs } = details
      const wait = typeof retryAfterMs === 'number' && {
        'retry-after': String(Math.ceil(retryAfterMs / 1000)),
      }
      return c.json({ code, errMsg, details }, statuses[code] ?? 500, { ...noStore, ...wait })
    }
  })
}

function tokenIn(text: string): unknown {
  try {
    const json: unknown = JSON.parse(text)
    return typeof json === 'object' && json !== null ? (json as { token?: unknown }).token : undefined
  } catch {
    return undefined
  }
}

const statuses: Readonly<Partial<Record<CloudError['code'], 400 | 401 | 429 | 503>>> = {
  INVALID_PARAM: 400,
  TOKEN_REFUSED: 401,
  EXCEED_REQUEST_LIMIT: 429,
  SERVER_TIMEOUT: 503,
}
const noStore = { 'cache-control': 'no-store' }
/** Of those that are refused, from one address. */
const pace: Pace = { burst: 100, everyMs: 1_000 }
const mostBytes = 16_384
