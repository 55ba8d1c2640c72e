import { CloudError } from '@nearcloud/protocol'
import { CloudbaseError } from '@nearcloud/query/dialects'
import type { Context, Hono } from 'hono'
import type { Accounts } from '../../auth/passwords/accounts.ts'
import { lifetimes, type Tokens } from '../../auth/tokens.ts'
import type { Users } from '../../auth/users.ts'
import { addressOf, networkOf } from '../../http/address-of.ts'
import { isFields, textOf } from '../wire/shapes.ts'
import { bodyOf, type WebDoor } from './web-door.ts'

export interface AuthRoutesOptions {
  readonly env: string
  readonly tokens: Tokens
  readonly users: Pick<Users, 'shown' | 'known' | 'signIn'>
  readonly accounts: Pick<Accounts, 'signIn'>
  readonly door: WebDoor
}

/** Somebody who is let in: a session of theirs, as its token says it. */
interface Session {
  readonly openid: string
  readonly token: string
  readonly round: number
}

/**
 * `/auth/v1/…`: how `@cloudbase/js-sdk` signs in. Its access token is ours for HTTP, its refresh token ours for sessions; a user's id there
 * is the openid.
 */
export function addAuthRoutes(app: Hono, { env, tokens, users, accounts, door }: AuthRoutesOptions): void {
  door.open(app, '/auth/v1/*')
  const post = (path: string, work: (fields: Fields, c: Context) => Promise<unknown>) =>
    app.post(path, c =>
      door.answer(c, async () => {
        door.countStranger(c)
        return work(await fieldsOf(c), c)
      }),
    )

  post('/auth/v1/signin/anonymously', async () => {
    const openid = tokens.newOpenid()
    return letIn({ openid, token: await tokens.sign('session', env, openid), round: 0 }, 'anonymous')
  })
  post('/auth/v1/signin/custom', async ({ ticket }) => signedIn(textOf(ticket, 'ticket')))
  post('/auth/v1/signin', async ({ username, password }, c) =>
    signedIn(await accounts.signIn({ username, password, address: networkOf(addressOf(c)) })),
  )
  post('/auth/v1/token', async ({ grant_type: grant, refresh_token: token }) => {
    if (grant !== 'refresh_token') throw refused('the grant is a refresh_token')
    const text = textOf(token, 'refresh_token')
    const { openid, round } = await users.shown('session', text)
    const { uid } = await users.known(openid, round)
    return letIn({ openid, token: text, round }, uid === undefined ? 'anonymous' : 'user')
  })
  // a token of ours lives until its time, or until all of the user's are ended
  post('/auth/v1/revoke', async () => ({}))
  app.get('/auth/v1/user/me', c =>
    door.answer(c, async () => {
      const { openid, uid } = await door.userOf(c)
      return { sub: openid, user_id: openid, ...(uid === undefined ? {} : { name: uid, username: uid }) }
    }),
  )

  async function signedIn(ticket: string): Promise<object> {
    const { openid, token } = await users.signIn(ticket)
    const { round } = await users.shown('session', token)
    return letIn({ openid, token, round }, 'user')
  }

  async function letIn({ openid, token, round }: Session, scope: string): Promise<object> {
    return {
      token_type: 'Bearer',
      access_token: await tokens.sign('access', env, openid, undefined, round),
      refresh_token: token,
      expires_in: lifetimes.access / 1_000,
      sub: openid,
      scope,
    }
  }
}

type Fields = Readonly<Record<string, unknown>>

async function fieldsOf(c: Context): Promise<Fields> {
  const body = await bodyOf(c, mostBytes)
  if (isFields(body)) return body
  throw new CloudError('INVALID_PARAM', { errMsg: 'the body is an object of JSON' })
}

function refused(words: string): CloudbaseError {
  return new CloudbaseError('INVALID_PARAM', words)
}

const mostBytes = 16_384
