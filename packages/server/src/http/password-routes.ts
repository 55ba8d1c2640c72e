import { CloudError, parseJson } from '@nearcloud/protocol'
import type { Context, Hono } from 'hono'
import { cors } from 'hono/cors'
import type { Accounts } from '../auth/passwords/accounts.ts'
import { addressOf, networkOf } from './address-of.ts'
import type { Doorkeeper } from './doorkeeper.ts'
import { readText } from './read-text.ts'

/**
 * `POST /auth/password/sign-in`, `/sign-up` and `/change` with `{ "username", "password" }`, the last also with `"newPassword"`: 200
 * `{ "ticket": … }`, good for one sign-in. Errors are `{ code, errMsg, details }`: 400 for what cannot be, 401 for a wrong name or
 * password, 403 where nobody signs up, 409 for a name that is taken, 413, 429 with `retry-after`.
 */
export function addPasswordRoutes(
  app: Hono,
  { accounts, doorkeeper }: { readonly accounts: Accounts; readonly doorkeeper: Doorkeeper },
): void {
  // a password counts here, no cookie, so any page that may talk to the server may ask
  app.use(
    '/auth/password/*',
    cors({
      origin: origin => (doorkeeper.mayEnter(origin === '' ? undefined : origin) ? '*' : null),
      allowMethods: ['POST'],
      allowHeaders: ['content-type'],
      exposeHeaders: ['retry-after'],
      maxAge: 86_400,
    }),
  )
  app.post('/auth/password/:door{sign-in|sign-up|change}', async c => {
    if (!doorkeeper.mayEnter(c.req.header('origin')))
      return c.json({ code: 'PROTOCOL_ERROR', errMsg: 'not from this origin' }, 403)
    const text = await readText(c.req.raw, mostBytes)
    if (text === undefined)
      return c.json(
        { code: 'INVALID_PARAM', errMsg: 'signIn: not a text, or a longer one than there is' },
        413,
      )
    try {
      const ticket = await ticketFor(c, fieldsOf(text))
      return c.json({ ticket }, 200, noStore)
    } catch (thrown) {
      if (!(thrown instanceof CloudError)) throw thrown
      const { code, errMsg, details } = thrown
      const { retryAfterMs } = details
      const retryAfter = typeof retryAfterMs === 'number' && {
        'retry-after': String(Math.ceil(retryAfterMs / 1000)),
      }
      return c.json({ code, errMsg, details }, statusOf(thrown), { ...noStore, ...retryAfter })
    }
  })

  function ticketFor(c: Context, fields: Readonly<Record<string, unknown>>): Promise<string> {
    const { username, password, newPassword } = fields
    const credentials = { username, password, address: networkOf(addressOf(c)) }
    switch (c.req.param('door')) {
      case 'sign-in':
        return accounts.signIn(credentials)
      case 'sign-up':
        return accounts.signUp(credentials)
      default:
        return accounts.changePassword({ ...credentials, newPassword })
    }
  }
}

function fieldsOf(text: string): Readonly<Record<string, unknown>> {
  let json: unknown
  try {
    json = parseJson(text, 4)
  } catch {
    // told below
  }
  if (typeof json === 'object' && json !== null) return json as Record<string, unknown>
  throw new CloudError('INVALID_PARAM', { errMsg: 'signIn: the body is an object of JSON' })
}

function statusOf({ code, details }: CloudError): 400 | 401 | 403 | 409 | 429 | 500 | 503 {
  switch (code) {
    case 'INVALID_PARAM':
      return details.reason === 'taken' ? 409 : details.reason === 'closed' ? 403 : 400
    case 'TOKEN_REFUSED':
      return 401
    case 'EXCEED_REQUEST_LIMIT':
      return 429
    case 'CLOSED':
      return 503
    default:
      return 500
  }
}

const noStore = { 'cache-control': 'no-store' }
/** Three texts of the longest, each character escaped. */
const mostBytes = 8_192
