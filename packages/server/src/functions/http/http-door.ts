import { CloudError, type RandomBytes, toHex } from '@nearcloud/protocol'
import type { Context, Hono } from 'hono'
import type { Actor } from '../../actor.ts'
import { addressOf, networkOf } from '../../http/address-of.ts'
import type { Doorkeeper } from '../../http/doorkeeper.ts'
import { type Rates, retryAfter } from '../../http/rates.ts'
import type { Log } from '../../log-line.ts'
import type { ServingFunctions } from '../functions.ts'
import { BodyRoom } from './http-body.ts'
import type { HttpRoute } from './http-config.ts'
import { eventText } from './http-event.ts'
import { HttpExchange } from './http-exchange.ts'
import { hasNoBody, type ResponseHead, readBody, readHead } from './http-response.ts'
import { HttpRoutes, type Matched } from './http-routes.ts'

export interface FunctionRoutesOptions {
  readonly functions: ServingFunctions
  readonly env: string
  readonly random: RandomBytes
  readonly log: Log
  readonly doorkeeper: Pick<Doorkeeper, 'mayEnter'>
  /** Absent: nothing is counted. */
  readonly rates?: Pick<Rates, 'request' | 'call'>
  /** The user of an access token. Rejects for every other text. */
  identify(token: string): Promise<Actor>
  readonly limits?: Partial<HttpLimits>
}

export interface HttpLimits {
  /** Of a body that the function gets whole, and of one that it reads as it comes. */
  readonly bodyBytes: number
  readonly streamBytes: number
  /** Of all bodies that are not whole yet or wait for their function. */
  readonly heldBytes: number
  /** For a body to come whole. */
  readonly bodyMs: number
}

const usualLimits: HttpLimits = {
  bodyBytes: 6_291_456,
  streamBytes: 104_857_600,
  heldBytes: 134_217_728,
  bodyMs: 30_000,
}

/**
 * Requests for the routes that functions declare. A failure is `{ code, errMsg, requestId }`; what the function threw stays in the log.
 *
 * Throws SERVER_CONFIGURATION when a route cannot be used.
 */
export function addFunctionRoutes(app: Hono, options: FunctionRoutesOptions): void {
  const { functions, log } = options
  const limits = { ...usualLimits, ...options.limits }
  const routes = new HttpRoutes(functions, log)
  const room = new BodyRoom(limits.heldBytes)

  app.all('*', async (c, next) => {
    const matched = routes.match(new URL(c.req.url).pathname)
    if (!matched) return next()
    const { route } = matched
    const origin = c.req.header('origin')
    if (!options.doorkeeper.mayEnter(origin)) return refuse(403, 'PROTOCOL_ERROR', 'not from this origin')
    const cors = corsHeaders(route, origin)
    const isPreflight = c.req.method === 'OPTIONS' && c.req.header('access-control-request-method')
    if (isPreflight && hasCors(route)) {
      if (cors)
        return new Response(null, { status: 204, headers: { ...cors, ...preflightHeaders(route, c) } })
      return refuse(403, 'PROTOCOL_ERROR', 'not from this origin')
    }
    const response = route.methods.has(c.req.method)
      ? await answer(c, matched)
      : refuse(405, 'INVALID_PARAM', 'not by this method', { allow: [...route.methods].join(', ') })
    for (const [name, value] of Object.entries(cors ?? {})) response.headers.set(name, value)
    if (route.cors instanceof Set && route.cors.size > 0) response.headers.append('vary', 'origin')
    return response
  })

  async function answer(c: Context, { route, path }: Matched): Promise<Response> {
    const requestId = toHex(options.random(16))
    const who = await callerOf(c, route)
    if (!who)
      return refuse(401, 'TOKEN_REFUSED', 'an access token is needed', { 'www-authenticate': 'Bearer' })
    const clientIp = addressOf(c)
    const tooOften = count(route, who.actor, networkOf(clientIp))
    if (tooOften) return refuse(429, tooOften.code, tooOften.errMsg, retryAfter(tooOften), requestId)
    const request = c.req.raw
    const taken = route.streamsBody
      ? { body: new Uint8Array(0), release: () => {} }
      : await room.take(request, limits.bodyBytes, limits.bodyMs)
    if (typeof taken === 'string') return refusals[taken]()
    const event = eventText(request, taken.body, {
      path,
      requestId,
      env: options.env,
      appId: functions.appId,
      clientIp,
      streamsBody: route.streamsBody,
      hidesAuthorization: who.hasToken,
    })
    taken.release()
    return run(c, route, { event, requestId, clientIp, actor: who.actor })
  }

  function run(
    c: Context,
    route: HttpRoute,
    call: { event: string; requestId: string; clientIp: string; actor: Actor },
  ): Promise<Response> {
    return new Promise(resolve => {
      const isBodyWanted = c.req.method !== 'HEAD'
      const exchange = new HttpExchange({
        body: route.streamsBody ? c.req.raw.body : null,
        mostBytes: limits.streamBytes,
        isBodyWanted,
        begin: (head, body) => resolve(responseOf(head, body)),
      })
      const { streamsBody } = route
      const { requestId } = call
      const answered = (text: string) => {
        exchange.end()
        if (!exchange.hasBegun) resolve(wholeResponse(text, isBodyWanted))
      }
      const failed = (error: unknown) => {
        exchange.end(error)
        if (!exchange.hasBegun) resolve(failure(error, requestId))
        else tell(route, requestId, `the response broke off (${wordsOf(error)})`)
      }
      functions
        .serve({ ...call, name: route.function, isPermitted: !route.auth, streamsBody, exchange })
        .then(answered, failed)
        .catch((error: unknown) => {
          tell(route, requestId, wordsOf(error))
          resolve(failure(undefined, requestId, 502))
        })
    })
  }

  function count(route: HttpRoute, actor: Actor, network: string): CloudError | undefined {
    try {
      options.rates?.request(network, actor)
      options.rates?.call(route.function, actor.kind === 'user' ? actor.openid : network)
    } catch (thrown) {
      if (thrown instanceof CloudError) return thrown
      throw thrown
    }
    return undefined
  }

  /** The user of the token that was shown; a stranger where none is needed; undefined: not to be let in. */
  async function callerOf(
    c: Context,
    route: HttpRoute,
  ): Promise<{ actor: Actor; hasToken: boolean } | undefined> {
    const token = /^Bearer (\S+)$/i.exec(c.req.header('authorization') ?? '')?.[1]
    const actor = token === undefined ? undefined : await options.identify(token).catch(() => undefined)
    if (actor) return { actor, hasToken: true }
    return route.auth ? undefined : { actor: { kind: 'stranger' }, hasToken: false }
  }

  function tell(route: HttpRoute, requestId: string, message: string): void {
    log({ level: 'error', event: 'function.http', message, facts: { function: route.function, requestId } })
  }
}

function wholeResponse(text: string, isBodyWanted: boolean): Response {
  const said: unknown = JSON.parse(text)
  const head = readHead(said)
  return responseOf(head, isBodyWanted ? readBody(said as Record<string, unknown>) : null)
}

function responseOf(
  { statusCode, headers }: ResponseHead,
  body: string | Uint8Array<ArrayBuffer> | ReadableStream | null,
): Response {
  return new Response(hasNoBody(statusCode) ? null : body, { status: statusCode, headers })
}

function failure(error: unknown, requestId: string, otherwise = 500): Response {
  const code = error instanceof CloudError ? error.code : 'FUNCTIONS_EXECUTE_FAIL'
  const known = failures.get(code)
  const isDenied = error instanceof CloudError && (error.details as { rule?: unknown })?.rule === 'invoke'
  if (isDenied) return refuse(403, code, 'the rule for "invoke" refused this caller', {}, requestId)
  if (known) return refuse(known.status, code, known.words, known.headers, requestId)
  return refuse(otherwise, 'FUNCTIONS_EXECUTE_FAIL', 'the function failed: its log says why', {}, requestId)
}

const failures = new Map<string, { status: number; words: string; headers?: Record<string, string> }>([
  ['FUNCTIONS_TIME_LIMIT_EXCEEDED', { status: 504, words: 'the function took too long' }],
  ['FUNCTION_NOT_FOUND', { status: 404, words: 'there is no such function' }],
  [
    'EXCEED_REQUEST_LIMIT',
    { status: 429, words: 'too many calls: try again later', headers: { 'retry-after': '1' } },
  ],
  ['ABORTED', { status: 503, words: 'the server is stopping', headers: { 'retry-after': '5' } }],
])

const refusals = {
  'too large': () => refuse(413, 'EXCEED_REQUEST_LIMIT', 'the body is too large'),
  'too slow': () => refuse(408, 'SERVER_TIMEOUT', 'the body came too slowly', { connection: 'close' }),
  'no room': () => refuse(503, 'EXCEED_REQUEST_LIMIT', 'too many requests at once', { 'retry-after': '1' }),
  'cut off': () => refuse(400, 'INVALID_PARAM', 'the body was cut off'),
}

function refuse(
  status: number,
  code: string,
  errMsg: string,
  headers: Record<string, string> = {},
  requestId?: string,
): Response {
  const more = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff', ...headers }
  return Response.json(
    { code, errMsg, ...(requestId !== undefined && { requestId }) },
    { status, headers: more },
  )
}

/** For a page of another origin that may ask. */
function corsHeaders({ cors }: HttpRoute, origin: string | undefined): Record<string, string> | undefined {
  if (cors === 'any') return { 'access-control-allow-origin': '*' }
  if (origin === undefined || !cors.has(origin)) return undefined
  return { 'access-control-allow-origin': origin, 'access-control-allow-credentials': 'true' }
}

function preflightHeaders(route: HttpRoute, c: Context): Record<string, string> {
  const wanted = c.req.header('access-control-request-headers')
  return {
    'access-control-allow-methods': [...route.methods].join(', '),
    ...(wanted !== undefined && { 'access-control-allow-headers': wanted }),
    'access-control-max-age': '7200',
    vary: 'origin, access-control-request-headers',
  }
}

/** Where no page of another origin is named, a preflight is the function's to answer. */
function hasCors({ cors }: HttpRoute): boolean {
  return cors === 'any' || cors.size > 0
}

function wordsOf(error: unknown): string {
  return error instanceof CloudError ? error.errMsg : error instanceof Error ? error.message : String(error)
}
