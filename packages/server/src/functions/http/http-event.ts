import { Buffer } from 'node:buffer'

export interface EventFacts {
  /** Below the route. */
  readonly path: string
  readonly requestId: string
  readonly env: string
  readonly appId: string
  readonly clientIp: string
  /** Whether the function reads the body itself. */
  readonly streamsBody: boolean
  /** Whether `authorization` was for the server, and is no business of the function. */
  readonly hidesAuthorization: boolean
}

/** The event of a request, as JSON text. Names of headers are lower case; a parameter said twice has the last value, and all in `multiValueQueryStringParameters`. */
export function eventText(request: Request, body: Uint8Array, facts: EventFacts): string {
  const { path, requestId, env, appId, clientIp, streamsBody } = facts
  const { method, headers } = request
  const parameters = parametersOf(new URL(request.url).searchParams)
  return JSON.stringify({
    path,
    httpMethod: method,
    method,
    headers: headersOf(headers, facts.hidesAuthorization),
    queryStringParameters: Object.fromEntries([...parameters].map(([name, all]) => [name, all.at(-1)])),
    multiValueQueryStringParameters: Object.fromEntries(parameters),
    requestContext: { requestId, envId: env, appId, uin: '', sourceIp: clientIp },
    ...(streamsBody ? { isBase64Encoded: false } : bodyOf(body, headers)),
  })
}

/** Text where it says to be text and is; everything else, and what is packed, as base64. */
function bodyOf(body: Uint8Array, headers: Headers): { body: string; isBase64Encoded: boolean } {
  if (body.length === 0) return { body: '', isBase64Encoded: false }
  const type = headers.get('content-type') ?? 'text/plain'
  if (textual.test(type) && !headers.has('content-encoding'))
    try {
      return { body: utf8.decode(body), isBase64Encoded: false }
    } catch {
      // not the text that it says to be
    }
  return { body: Buffer.from(body).toString('base64'), isBase64Encoded: true }
}

const textual =
  /^(?:text\/|application\/(?:[\w.-]+\+)?(?:json|xml)\b|application\/(?:javascript|x-www-form-urlencoded|graphql)\b)/i
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function headersOf(headers: Headers, hidesAuthorization: boolean): Record<string, string> {
  const kept = [...headers].filter(
    ([name]) => name !== '__proto__' && !(hidesAuthorization && name === 'authorization'),
  )
  return Object.fromEntries(kept)
}

function parametersOf(parameters: URLSearchParams): Map<string, string[]> {
  const all = new Map<string, string[]>()
  for (const [name, value] of parameters) {
    if (name === '__proto__') continue
    const known = all.get(name)
    if (known) known.push(value)
    else all.set(name, [value])
  }
  return all
}
