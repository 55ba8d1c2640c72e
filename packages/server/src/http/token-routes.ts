import { type Clock, CloudError } from '@nearcloud/protocol'
import type { Hono } from 'hono'
import type { TokenExchange } from '../auth/issuers/issuers.ts'
import { Attempts, type Pace } from '../auth/passwords/attempts.ts'
import type { Log } from '../log-line.ts'
import { addressOf, networkOf } from './address-of.ts'
import type { Doorkeeper } from './doorkeeper.ts'
import { addSignInDoor } from './sign-in-door.ts'

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
  addSignInDoor(app, {
    path: '/auth/token',
    doorkeeper,
    mostBytes,
    async ticketFor(c, text) {
      if (!tokens) throw nobody()
      const giveBack = attempts.take([{ pace, key: networkOf(addressOf(c)) }])
      const ticket = await tokens.ticketFor(tokenIn(text))
      giveBack()
      return ticket
    },
    statusOf(error) {
      const { code, errMsg, details } = error
      if (code === 'SERVER_TIMEOUT') log({ level: 'warn', event: 'login.failed', message: errMsg })
      return details.reason === 'no issuers' ? 404 : (statuses[code] ?? 500)
    },
  })
}

function nobody(): CloudError {
  return new CloudError('INVALID_PARAM', {
    errMsg: 'signIn: the server knows no issuers of tokens',
    details: { reason: 'no issuers' },
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
/** Of those that are refused, from one address. */
const pace: Pace = { burst: 100, everyMs: 1_000 }
const mostBytes = 16_384
