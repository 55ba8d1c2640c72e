import { CloudError, parseJson } from '@nearcloud/protocol'
import type { Context, Hono } from 'hono'
import type { Accounts } from '../auth/passwords/accounts.ts'
import { addressOf, networkOf } from './address-of.ts'
import type { Doorkeeper } from './doorkeeper.ts'
import { addSignInDoor } from './sign-in-door.ts'

/**
 * `POST /auth/password/sign-in`, `/sign-up` and `/change` with `{ "username", "password" }`, the last also with `"newPassword"`: 200
 * `{ "ticket": … }`, good for one sign-in. Errors are `{ code, errMsg, details }`: 400 for what cannot be, 401 for a wrong name or
 * password, 403 where nobody signs up, 409 for a name that is taken, 413, 429 with `retry-after`.
 */
export function addPasswordRoutes(
  app: Hono,
  { accounts, doorkeeper }: { readonly accounts: Accounts; readonly doorkeeper: Doorkeeper },
): void {
  addSignInDoor(app, {
    path: '/auth/password/:door{sign-in|sign-up|change}',
    doorkeeper,
    mostBytes,
    ticketFor: async (c, text) => ticketFor(c, fieldsOf(text)),
    statusOf,
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

/** Three texts of the longest, each character escaped. */
const mostBytes = 8_192
