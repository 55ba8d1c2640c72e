import {
  CloudError,
  fromJson,
  type Json,
  limits,
  parseJson,
  type RandomBytes,
  toCloudError,
  toHex,
  toJson,
  type Version,
} from '@nearcloud/protocol'
import type { Context, Hono } from 'hono'
import { cors } from 'hono/cors'
import type { Actor } from '../../actor.ts'
import { addressOf, networkOf } from '../../http/address-of.ts'
import type { Doorkeeper } from '../../http/doorkeeper.ts'
import { type Rates, retryAfter } from '../../http/rates.ts'
import { readText } from '../../http/read-text.ts'
import { traceHeaders } from '../../http/trace-headers.ts'
import type { Functions } from '../functions.ts'
import { type CallOnce, isCallKey } from '../once/call-once.ts'

export interface CallRoutesOptions {
  readonly functions: Pick<Functions, 'invoke'>
  readonly once: CallOnce
  readonly random: RandomBytes
  /** The version the server has reached. */
  head(): Promise<Version>
  readonly doorkeeper: Pick<Doorkeeper, 'mayEnter'>
  /** Absent: nothing is counted. */
  readonly rates?: Pick<Rates, 'request'>
  /** The user of an access token. Rejects for every other text. */
  identify(token: string): Promise<Actor>
}

/**
 * `POST /functions/<name>` with an access token, and the data in the words of the protocol (plain JSON is that): `callFunction` over
 * HTTP, judged by the same rule. 200 `{ result, requestId }`, or `{ code, errMsg, details? }`. With an `idempotency-key` a call begins once:
 * who asks again gets the first outcome; `version` is one that has what it wrote.
 */
export function addCallRoutes(app: Hono, options: CallRoutesOptions): void {
  const { functions, once, random, head, doorkeeper, identify } = options
  // a token counts here, no cookie, so any page that may talk to the server may ask
  app.use(
    '/functions/*',
    cors({
      origin: origin => (doorkeeper.mayEnter(origin === '' ? undefined : origin) ? '*' : null),
      allowMethods: ['POST'],
      allowHeaders: ['authorization', 'content-type', 'idempotency-key', ...traceHeaders],
      exposeHeaders: ['retry-after'],
      maxAge: 86_400,
    }),
  )
  app.all('/functions/:name', async c => {
    if (!doorkeeper.mayEnter(c.req.header('origin')))
      return refuse(c, 403, 'PROTOCOL_ERROR', 'not from this origin')
    if (c.req.method !== 'POST') return refuse(c, 405, 'INVALID_PARAM', 'functions are called by POST')
    const actor = await callerOf(c)
    if (!actor) return refuse(c, 401, 'TOKEN_REFUSED', 'an access token is needed')
    try {
      options.rates?.request(networkOf(addressOf(c)), actor)
    } catch (thrown) {
      return failed(c, thrown)
    }
    const key = c.req.header('idempotency-key')
    if (key !== undefined && !isCallKey(key))
      return refuse(c, 400, 'INVALID_PARAM', 'an idempotency-key has 8 to 64 letters, digits, "-" or "_"')
    const data = dataOf(await readText(c.req.raw, limits.frameBytes))
    if (data instanceof CloudError) return refuse(c, 400, data.code, data.errMsg)
    const reached = async () => (key === undefined ? {} : { version: await head() })
    try {
      const named = { name: c.req.param('name'), actor, clientIp: addressOf(c) }
      const answer = await call(named, data, key)
      return c.json({ ...answer, ...(await reached()) }, 200, { 'cache-control': 'no-store' })
    } catch (thrown) {
      return failed(c, thrown, await reached())
    }
  })

  async function call(named: Caller, json: Json, key: string | undefined) {
    const { name, actor } = named
    const requestId = toHex(random(16))
    const data = fromJson(json, { keys: 'call' })
    const run = async () =>
      toJson(await functions.invoke({ ...named, data, requestId, ...(key !== undefined && { key }) }))
    if (key === undefined) return { result: await run(), requestId }
    const outcome = await once.invoke({ openid: actor.openid, key, name, data: json, requestId, run })
    if ('error' in outcome) throw new CloudError(outcome.error.code, { ...outcome.error })
    return outcome
  }

  async function callerOf(c: Context): Promise<(Actor & { kind: 'user' }) | undefined> {
    const token = /^Bearer (\S+)$/i.exec(c.req.header('authorization') ?? '')?.[1]
    const actor = token === undefined ? undefined : await identify(token).catch(() => undefined)
    return actor?.kind === 'user' ? actor : undefined
  }
}

/** Who calls what, from where. */
interface Caller {
  readonly name: string
  readonly actor: Actor & { kind: 'user' }
  readonly clientIp: string
}

function dataOf(text: string | undefined): Json | CloudError {
  try {
    if (text === undefined) throw new Error('the body is too large, or not whole')
    const data = text === '' ? {} : parseJson(text, limits.depth + 2)
    fromJson(data, { keys: 'call' })
    return data
  } catch (thrown) {
    const errMsg = `the data of a call: ${(thrown as Error).message}`
    return new CloudError('INVALID_PARAM', { errMsg })
  }
}

function failed(c: Context, thrown: unknown, more: { readonly version?: Version } = {}): Response {
  const error = toCloudError(thrown)
  const { code, errMsg, details } = error
  const status = statuses.get(code) ?? 500
  return c.json(
    { code, errMsg, ...(details && { details }), ...more },
    status,
    status === 429 ? retryAfter(error) : {},
  )
}

function refuse(c: Context, status: 400 | 401 | 403 | 405, code: string, errMsg: string): Response {
  return c.json({ code, errMsg }, status, { 'cache-control': 'no-store' })
}

const statuses = new Map<string, 403 | 404 | 429 | 503 | 504>([
  ['FUNCTION_NOT_FOUND', 404],
  ['EXCEED_REQUEST_LIMIT', 429],
  ['ABORTED', 503],
  ['FUNCTIONS_TIME_LIMIT_EXCEEDED', 504],
])
