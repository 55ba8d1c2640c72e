import { CloudError } from '@nearcloud/protocol'
import { z } from 'zod'
import type { CountedExchange } from '../auth/counted-codes.ts'
import type { Accounts } from '../auth/passwords/accounts.ts'
import { lifetimes, type Tokens } from '../auth/tokens.ts'
import type { Users } from '../auth/users.ts'
import { type Endpoint, endpoint } from './endpoint.ts'
import * as s from './schemas.ts'

export interface AuthParts {
  readonly env: string
  readonly tokens: Tokens
  readonly users: Users
  readonly accounts: Accounts
  readonly wechat: CountedExchange | undefined
}

/** Signing in, without a socket. */
export function authEndpoints({ env, tokens, users, accounts, wechat }: AuthParts): readonly Endpoint[] {
  const credentials = { username: z.string(), password: z.string() }

  /** What one who is in gets. */
  async function tokensOf(refreshToken: string) {
    const { openid, round, link } = await users.shown('session', refreshToken)
    const { uid } = await users.known(openid, round, link?.[0])
    return {
      openid,
      ...(uid !== undefined && { uid }),
      accessToken: await tokens.sign('access', env, openid, undefined, round, link),
      expiresIn: lifetimes.access / 1000,
      refreshToken,
    }
  }

  async function byTicket(ticket: string) {
    return tokensOf((await users.signIn(ticket)).token)
  }

  const signIn = { method: 'post', tag: 'auth', access: 'anyone', status: 200, answer: s.signedIn } as const
  return [
    endpoint({
      ...signIn,
      operation: 'signInAnonymously',
      path: '/auth/anonymous',
      summary: 'Begin as somebody new, without a name.',
      body: s.ok,
      async run() {
        return tokensOf(await tokens.sign('session', env, tokens.newOpenid()))
      },
    }),
    endpoint({
      ...signIn,
      operation: 'signIn',
      path: '/auth/password/sign-in',
      summary: 'Sign in by a name and a password.',
      body: z.strictObject(credentials),
      run: async ({ body, network }) => byTicket(await accounts.signIn({ ...body, address: network })),
    }),
    endpoint({
      ...signIn,
      operation: 'signUp',
      path: '/auth/password/sign-up',
      summary: 'Make an account, where strangers may (passwords.signUp).',
      body: z.strictObject(credentials),
      refusals: [409],
      run: async ({ body, network }) => byTicket(await accounts.signUp({ ...body, address: network })),
    }),
    endpoint({
      ...signIn,
      operation: 'changePassword',
      path: '/auth/password/change',
      summary: 'Take another password; ends all other sessions.',
      body: z.strictObject({ ...credentials, newPassword: z.string() }),
      run: async ({ body, network }) =>
        byTicket(await accounts.changePassword({ ...body, address: network })),
    }),
    endpoint({
      ...signIn,
      operation: 'signInByTicket',
      path: '/auth/ticket',
      summary: 'Sign in with a ticket that the operator or a cloud function made; it is good once.',
      body: z.strictObject({ ticket: z.string() }),
      run: ({ body }) => byTicket(body.ticket),
    }),
    endpoint({
      ...signIn,
      operation: 'signInByWechat',
      path: '/auth/wechat',
      summary: 'Sign in with the code of wx.login, where the server knows the mini program.',
      body: z.strictObject({ code: z.string() }),
      refusals: [404],
      async run({ body, network }) {
        if (!wechat)
          throw new CloudError('INVALID_PARAM', {
            errMsg: 'login: this server knows no mini program',
            details: { reason: 'absent' },
          })
        return byTicket(await wechat.ticketFor(body.code, network))
      },
    }),
    endpoint({
      ...signIn,
      operation: 'refresh',
      path: '/auth/refresh',
      summary: 'New tokens for a refresh token; the one before is good until the new one is shown.',
      body: z.strictObject({ refreshToken: z.string() }),
      async run({ body }) {
        const shown = await users.shown('session', body.refreshToken)
        const { openid, round } = shown
        const user = await users.known(openid, round)
        const link = user.uid === undefined ? undefined : users.follow(shown, user)
        return tokensOf(await tokens.sign('session', env, openid, user.sessionMs, round, link))
      },
    }),
    endpoint({
      operation: 'whoAmI',
      method: 'get',
      path: '/auth/me',
      tag: 'auth',
      summary: 'Whose token this is.',
      access: 'user',
      status: 200,
      answer: z.strictObject({
        openid: z.string().optional(),
        uid: z.string().optional(),
        isAdmin: z.boolean(),
      }),
      async run({ actor }) {
        if (actor.kind !== 'user') return { isAdmin: true }
        const { openid, uid } = actor
        return { openid, ...(uid !== undefined && { uid }), isAdmin: false }
      },
    }),
  ]
}
