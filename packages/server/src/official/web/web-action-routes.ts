import { CloudError } from '@nearcloud/protocol'
import { CloudbaseError } from '@nearcloud/query/dialects'
import type { Hono } from 'hono'
import type { Tokens } from '../../auth/tokens.ts'
import { originOf } from '../../http/origin-of.ts'
import { watchPath } from '../../http/watch-socket.ts'
import { isFields, textOf } from '../wire/shapes.ts'
import { bodyOf, type WebDoor } from './web-door.ts'

/**
 * `POST /web` with `{ "action": "auth.wsWebSign", "access_token" }`: leave to open a socket for watches, good for a minute and a half,
 * and where it is. Other actions are not here.
 */
export function addWebActionRoutes(
  app: Hono,
  { env, tokens, door }: { readonly env: string; readonly tokens: Tokens; readonly door: WebDoor },
): void {
  door.open(app, '/web')
  app.post('/web', c =>
    door.answer(c, async requestId => {
      const body = await bodyOf(c)
      if (!isFields(body)) throw new CloudError('INVALID_PARAM', { errMsg: 'a request is an object' })
      const { action, access_token: token } = body
      if (action !== 'auth.wsWebSign')
        throw new CloudbaseError(
          'INVALID_PARAM',
          `there is no action ${JSON.stringify(action)?.slice(0, 100)} here`,
        )
      const text = textOf(token ?? '', 'access_token')
      const { openid } = await door.userBy(c, text)
      const { round } = await tokens.read('access', env, text)
      const signStr = await tokens.sign('access', env, openid, signMs, round)
      const wsUrl = `${originOf(c).replace(/^http/, 'ws')}${watchPath}?sign=${signStr}`
      return { data: { signStr, wsUrl, secretVersion: 1, envId: env }, requestId }
    }),
  )
}

/** The SDKs use one for a minute. */
const signMs = 90_000
