import { CloudError } from '@nearcloud/protocol'
import type { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import type { CountedExchange } from '../auth/counted-codes.ts'
import type { Log } from '../log-line.ts'
import { addressOf, networkOf } from './address-of.ts'
import type { Doorkeeper } from './doorkeeper.ts'
import { retryAfter } from './rates.ts'

export interface LoginRoutesOptions {
  /** Absent: nobody signs in this way. */
  readonly wechat: CountedExchange | undefined
  readonly alipay: CountedExchange | undefined
  readonly doorkeeper: Doorkeeper
  readonly log: Log
}

/**
 * `POST /auth/wechat` and `/auth/alipay` with `{ "code": … }`: 200 `{ "ticket": … }`, good for one sign-in. Errors are `{ code, errMsg
 * }`: 400 for what is no code, 401 for one that is refused, 404 where nobody signs in this way, 429 with `retry-after`, 502.
 */
export function addLoginRoutes(app: Hono, { wechat, alipay, doorkeeper, log }: LoginRoutesOptions): void {
  const limit = bodyLimit({
    maxSize: 2_048,
    onError: c => c.json({ code: 'INVALID_PARAM', errMsg: 'login: a code is shorter' }, 413),
  })
  for (const [door, name, exchange] of [
    ['wechat', 'WeChat', wechat],
    ['alipay', 'Alipay', alipay],
  ] as const)
    app.post(`/auth/${door}`, limit, async c => {
      if (!doorkeeper.mayEnter(c.req.header('origin')))
        return c.json({ code: 'PROTOCOL_ERROR', errMsg: 'not from this origin' }, 403)
      if (!exchange) {
        const errMsg = `nobody signs in by ${name} here: the server has no appId`
        return c.json({ code: 'INVALID_PARAM', errMsg }, 404)
      }
      try {
        const body: unknown = await c.req.json().catch(() => undefined)
        const { code } = (body ?? {}) as { code?: unknown }
        const ticket = await exchange.ticketFor(code, networkOf(addressOf(c)))
        return c.json({ ticket }, 200, { 'cache-control': 'no-store' })
      } catch (thrown) {
        if (!(thrown instanceof CloudError)) throw thrown
        const { code, errMsg } = thrown
        if (code === 'SYS_ERR') log({ level: 'error', event: 'login.failed', message: errMsg })
        return c.json(
          { code, errMsg },
          statuses[code] ?? 502,
          code === 'EXCEED_REQUEST_LIMIT' ? retryAfter(thrown) : {},
        )
      }
    })
}

const statuses: Readonly<Partial<Record<CloudError['code'], 400 | 401 | 429>>> = {
  INVALID_PARAM: 400,
  TOKEN_REFUSED: 401,
  EXCEED_REQUEST_LIMIT: 429,
}
