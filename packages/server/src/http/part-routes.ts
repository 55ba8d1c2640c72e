import type { Context, Hono } from 'hono'
import type { Tokens } from '../auth/tokens.ts'
import type { PartShelves } from '../session/part-shelf.ts'
import { accepts, type Packing, pack } from './accepts.ts'
import type { Doorkeeper } from './doorkeeper.ts'
import { traceHeaders } from './trace-headers.ts'

export interface PartRoutesOptions {
  readonly shelves: PartShelves
  readonly tokens: Pick<Tokens, 'verify'>
  readonly env: string
  readonly doorkeeper: Doorkeeper
}

/**
 * `GET /sync/parts/<key>` with an access token: the message that a session of this user left to be fetched, packed as the
 * client takes it. 401 without a token that holds, 404 for what is not there, not any more, or another user's.
 */
export function addPartRoutes(app: Hono, { shelves, tokens, env, doorkeeper }: PartRoutesOptions): void {
  app.all('/sync/parts/:key', async c => {
    const origin = c.req.header('origin')
    if (!doorkeeper.mayEnter(origin))
      return c.json({ code: 'PROTOCOL_ERROR', errMsg: 'not from this origin' }, 403)
    const headers = headersFor(origin)
    if (c.req.method === 'OPTIONS') return c.body(null, 204, { ...headers, ...preflight })
    if (c.req.method !== 'GET')
      return c.json({ code: 'INVALID_PARAM', errMsg: 'parts are fetched by GET' }, 405, headers)
    const openid = await readerOf(c)
    if (openid === undefined)
      return c.json({ code: 'TOKEN_REFUSED', errMsg: 'an access token is needed' }, 401, headers)
    const frame = shelves.take(c.req.param('key'), openid)
    if (frame === undefined)
      return c.json({ code: 'ABORTED', errMsg: 'there is no such part, or not any more' }, 404, headers)
    const { bytes, encoding } = await packed(frame, c.req.header('accept-encoding') ?? '')
    return c.body(bytes as Uint8Array<ArrayBuffer>, 200, {
      ...headers,
      'content-type': 'application/json',
      'content-length': String(bytes.length),
      ...(encoding && { 'content-encoding': encoding }),
    })
  })

  async function readerOf(c: Context): Promise<string | undefined> {
    const token = /^Bearer (\S+)$/.exec(c.req.header('authorization') ?? '')?.[1]
    if (token === undefined) return undefined
    return tokens.verify('access', env, token).catch(() => undefined)
  }
}

async function packed(text: string, accepted: string): Promise<{ bytes: Uint8Array; encoding?: Packing }> {
  if (text.length < smallestPacked) return { bytes: utf8.encode(text) }
  const packing = (['br', 'gzip'] as const).find(each => accepts(accepted, each))
  if (!packing) return { bytes: utf8.encode(text) }
  return { bytes: await pack(text, packing), encoding: packing }
}

function headersFor(origin: string | undefined): Record<string, string> {
  return {
    // for this user alone, and it is asked for once
    'cache-control': 'private, no-store',
    'x-content-type-options': 'nosniff',
    vary: origin === undefined ? 'accept-encoding' : 'accept-encoding, origin',
    ...(origin !== undefined && { 'access-control-allow-origin': origin }),
  }
}

const preflight = {
  'access-control-allow-methods': 'GET',
  'access-control-allow-headers': ['authorization', ...traceHeaders].join(', '),
  'access-control-max-age': '86400',
}
const utf8 = new TextEncoder()
const smallestPacked = 1_000
