import { createHash } from 'node:crypto'
import { CloudError, limits, parseJson, toCloudError } from '@nearcloud/protocol'
import type { Context, Hono } from 'hono'
import { cors } from 'hono/cors'
import type { Actor } from '../actor.ts'
import { BodyRoom } from '../functions/http/http-body.ts'
import { isCallKey } from '../functions/once/call-once.ts'
import { addressOf, networkOf } from '../http/address-of.ts'
import type { Doorkeeper } from '../http/doorkeeper.ts'
import { type Rates, retryAfter } from '../http/rates.ts'
import { traceHeaders } from '../http/trace-headers.ts'
import type { Log } from '../log-line.ts'
import { errorData } from '../session/error-data.ts'
import { continued } from '../tracing/traces.ts'
import { apiRoot, type Endpoint, type IdempotencyKey, parametersOf } from './endpoint.ts'
import { openapiDocument } from './openapi-document.ts'
import { statusOf } from './statuses.ts'

export interface ApiOptions {
  readonly endpoints: readonly Endpoint[]
  readonly doorkeeper: Pick<Doorkeeper, 'mayEnter'>
  readonly rates: Pick<Rates, 'request'>
  readonly log: Log
  /** The user of an access token. Rejects for every other text. */
  identify(token: string): Promise<Actor>
  isAdmin(token: string): Promise<boolean>
  readonly limits?: Partial<ApiLimits>
}

export interface ApiLimits {
  /** Of one body of JSON, and of all bodies that are not whole yet or are being answered. */
  readonly bodyBytes: number
  readonly heldBytes: number
  /** For a body to come whole. */
  readonly bodyMs: number
}

const usualLimits: ApiLimits = { bodyBytes: limits.frameBytes, heldBytes: 134_217_728, bodyMs: 30_000 }

/**
 * Everything for clients that speak HTTP and JSON, and for the operator's tools, below `/cloud/v1`: one route for each row of the table,
 * and the OpenAPI document of the same rows at `/cloud/v1/openapi.json`. Refusals are `{ code, errMsg, details? }`.
 */
export function addApi(app: Hono, options: ApiOptions): void {
  const { endpoints, doorkeeper, rates, log } = options
  const { bodyBytes, heldBytes, bodyMs } = { ...usualLimits, ...options.limits }
  const room = new BodyRoom(heldBytes)
  const text = JSON.stringify(openapiDocument(endpoints))
  const etag = `"${createHash('sha256').update(text).digest('base64url').slice(0, 22)}"`

  app.use(`${apiRoot}/*`, async (c, next) => {
    // the admin key has no business in a page of somebody else's, and who is no page needs no word about pages
    const isOpen = !c.req.path.startsWith(`${apiRoot}/admin/`)
    if (isOpen && c.req.header('origin') !== undefined) return allowPages(c, next)
    await next()
  })
  // a token counts here, no cookie, so any page that may talk to the server may ask
  const allowPages = cors({
    origin: origin => (doorkeeper.mayEnter(origin === '' ? undefined : origin) ? '*' : null),
    allowMethods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
    allowHeaders: ['authorization', 'content-type', 'idempotency-key', ...traceHeaders],
    exposeHeaders: ['retry-after'],
    maxAge: 86_400,
  })

  app.get(`${apiRoot}/openapi.json`, c => {
    const headers = { ...safeHeaders, 'cache-control': 'no-cache', etag, vary: 'origin' }
    if (!doorkeeper.mayEnter(c.req.header('origin'))) return refuse(notFromHere())
    if (c.req.header('if-none-match') === etag) return c.body(null, 304, headers)
    return c.body(text, 200, { ...headers, 'content-type': 'application/json' })
  })

  const methodsByPath = new Map<string, Endpoint['method'][]>()
  for (const each of endpoints) {
    const path = apiRoot + each.path.replace(/\{(\w+)\}/g, ':$1')
    methodsByPath.set(path, [...(methodsByPath.get(path) ?? []), each.method])
    const names = parametersOf(each)
    app.on(each.method.toUpperCase(), path, c => answer(c, each, names))
  }
  for (const [path, methods] of methodsByPath)
    app.all(path, () => {
      const allow = methods.join(', ').toUpperCase()
      return refuse(new CloudError('INVALID_PARAM', { errMsg: 'not by this method' }), 405, { allow })
    })
  app.all(`${apiRoot}/*`, () =>
    refuse(
      new CloudError('INVALID_PARAM', {
        errMsg: `there is nothing here: ${apiRoot}/openapi.json says what there is`,
      }),
      404,
    ),
  )

  async function answer(c: Context, row: Endpoint, names: readonly string[]): Promise<Response> {
    let release = () => {}
    try {
      const origin = c.req.header('origin')
      const isAllowed = row.access === 'admin' ? isOwnPage(origin, c) : doorkeeper.mayEnter(origin)
      if (!isAllowed) return refuse(notFromHere())
      const network = networkOf(addressOf(c))
      const shown = await callerOf(c)
      rates.request(network, shown instanceof CloudError ? stranger : shown)
      if (shown instanceof CloudError) return refuse(shown)
      if (!mayAsk(row, shown)) return refuse(tokenNeeded(row, shown))
      const params = readParams(c, names)
      const query = readQuery(c, row)
      const taken = await takeBody(c.req.raw, row)
      if (taken instanceof Response) return taken
      release = taken.release
      const { body, bytes } = taken
      const key = readKey(c, row, bytes)
      const contentType = (c.req.header('content-type') ?? '').split(';', 1)[0]!.trim()
      const said = await row.run({ actor: shown, params, query, body, key, contentType, network })
      return new Response(JSON.stringify(said), { status: row.status, headers: jsonHeaders })
    } catch (thrown) {
      const error = toCloudError(thrown)
      if (error.code === 'SYS_ERR' && !(thrown instanceof CloudError))
        log({
          level: 'error',
          event: 'http.failed',
          message: error.message,
          facts: { stack: (thrown as Error)?.stack },
        })
      return refuse(error)
    } finally {
      release()
    }
  }

  /** Whoever shows nothing is a stranger; whoever shows what does not hold is told so. */
  async function callerOf(c: Context): Promise<Actor | CloudError> {
    const header = c.req.header('authorization')
    if (header === undefined) return continued({ ...stranger })
    const token = /^Bearer (\S+)$/i.exec(header)?.[1] ?? ''
    try {
      return await options.identify(token)
    } catch (thrown) {
      const error = toCloudError(thrown)
      if (error.code !== 'TOKEN_REFUSED') throw error
      return (await options.isAdmin(token)) ? continued({ kind: 'admin' }) : error
    }
  }

  /** The body, looked at as its row says. */
  async function takeBody(request: Request, { body }: Endpoint) {
    const isBytes = body !== undefined && 'bytes' in body
    if (request.headers.has('content-encoding'))
      return refuse(invalid('a body comes as it is, not packed'), 415)
    const type = request.headers.get('content-type') ?? ''
    if (body && !isBytes && !jsonType.test(type)) return refuse(invalid('the body is application/json'), 415)
    const taken = await room.take(request, isBytes ? body.bytes : body ? bodyBytes : 0, bodyMs)
    switch (taken) {
      case 'too large':
        return refuse(invalid(body ? 'the body is too large' : 'there is no body here'), 413, {
          connection: 'close',
        })
      case 'too slow':
        return refuse(new CloudError('SERVER_TIMEOUT', { errMsg: 'the body came too slowly' }), 408, {
          connection: 'close',
        })
      case 'no room':
        return refuse(new CloudError('CLOSED', { errMsg: 'too many requests at once' }), 503)
      case 'cut off':
        return refuse(invalid('the body was cut off'))
    }
    const { body: bytes, release } = taken
    if (!body || isBytes) return { bytes, body: isBytes ? bytes : undefined, release }
    try {
      return { bytes, body: readJson(bytes, body), release }
    } catch (thrown) {
      release()
      throw thrown
    }
  }
}

function readJson(
  bytes: Uint8Array,
  schema: Exclude<NonNullable<Endpoint['body']>, { bytes: number }>,
): unknown {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw invalid('the body is no UTF-8')
  }
  const result = schema.safeParse(parseJson(text, limits.depth + 8))
  if (result.success) return result.data
  const [issue] = result.error.issues
  throw invalid(`the body: ${issue!.path.join('.') || 'all of it'}: ${issue!.message}`.slice(0, 500))
}

function readParams(c: Context, names: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    names.map(name => {
      const value = c.req.param(name) ?? ''
      // what is no UTF-8 is left by the router as it came
      if (!isDecoded(c.req.url) || value === '') throw invalid(`"${name}" in the path cannot be read`)
      return [name, value]
    }),
  )
}

function isDecoded(url: string): boolean {
  if (!url.includes('%')) return true
  try {
    decodeURIComponent(new URL(url).pathname)
    return true
  } catch {
    return false
  }
}

function readQuery(c: Context, { query }: Endpoint): unknown {
  if (!query && !c.req.url.includes('?')) return {}
  const asked = c.req.queries()
  const given: Record<string, string> = {}
  for (const [name, values] of Object.entries(asked)) {
    if (values.length > 1) throw invalid(`"${name.slice(0, 50)}" is asked twice`)
    Object.defineProperty(given, name, { value: values[0]!, enumerable: true })
  }
  if (!query) {
    if (Object.keys(given).length > 0) throw invalid('this address takes no parameters behind "?"')
    return {}
  }
  const result = query.safeParse(given)
  if (result.success) return result.data
  const [issue] = result.error.issues
  throw invalid(`the parameters behind "?": ${issue!.path.join('.')}: ${issue!.message}`.slice(0, 500))
}

function readKey(c: Context, { isKeyed }: Endpoint, bytes: Uint8Array): IdempotencyKey | undefined {
  const key = c.req.header('idempotency-key')
  if (!isKeyed || key === undefined) return undefined
  if (!isCallKey(key)) throw invalid('an idempotency-key has 8 to 64 letters, digits, "-" or "_"')
  const { pathname, search } = new URL(c.req.url)
  const fingerprint = createHash('sha256').update(`${c.req.method} ${pathname}${search}\n`).update(bytes)
  return { key, fingerprint: fingerprint.digest('base64url') }
}

function mayAsk({ access }: Endpoint, { kind }: Actor): boolean {
  return access === 'anyone' || kind === 'admin' || (access === 'user' && kind === 'user')
}

function tokenNeeded({ access }: Endpoint, { kind }: Actor): CloudError {
  if (access === 'admin' && kind === 'user')
    return new CloudError('DATABASE_PERMISSION_DENIED', { errMsg: 'this is for the operator’s tools' })
  return new CloudError('TOKEN_REFUSED', {
    errMsg: access === 'admin' ? 'the admin key is needed' : 'an access token is needed',
    details: { reason: 'missing' },
  })
}

/** A page of this very address. */
function isOwnPage(origin: string | undefined, c: Context): boolean {
  if (origin === undefined) return true
  try {
    return new URL(origin).host === c.req.header('host')
  } catch {
    return false
  }
}

function notFromHere(): CloudError {
  return new CloudError('DATABASE_PERMISSION_DENIED', { errMsg: 'not from this origin' })
}

function invalid(errMsg: string): CloudError {
  return new CloudError('INVALID_PARAM', { errMsg })
}

function refuse(error: CloudError, status = statusOf(error), headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(errorData(error)), {
    status,
    headers: {
      ...jsonHeaders,
      ...((status === 429 || status === 503) && retryAfter(error)),
      ...(status === 401 && { 'www-authenticate': 'Bearer' }),
      ...headers,
    },
  })
}

const stranger: Actor = { kind: 'stranger' }
const jsonType = /^application\/json\s*(?:;\s*charset=utf-8\s*)?$/i
const safeHeaders = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
}
const jsonHeaders = { ...safeHeaders, 'content-type': 'application/json', 'cache-control': 'no-store' }
