import { bufferOf, type HttpRequest, type HttpResponse, isBuffer } from '@nearcloud/client'
import { CloudError, fromBase64, toBase64 } from '@nearcloud/protocol'
import { hostWords } from './host.ts'
import { utf8 } from './utf8.ts'

/**
 * Another way for requests to the server than the host's own, for who has no registered domain. There are no sockets in it: the
 * conversation goes over requests.
 */
export interface Tunnel {
  /** Rejects with OFFLINE when there was no answer. */
  request(request: HttpRequest): Promise<HttpResponse>
}

/** The part of the original `wx.cloud` that calls a container. */
export interface ContainerCaller {
  callContainer(options: {
    path: string
    method: string
    header: Record<string, string>
    data?: string | ArrayBuffer
    responseType: 'arraybuffer'
    timeout: number
    config?: { env: string }
  }): Promise<{ statusCode: number; header: Record<string, unknown>; data: unknown }>
}

/** Through `callContainer` of the original `wx.cloud`, to a server that runs as a service of WeChat's cloud hosting. */
export function containerTunnel(
  cloud: ContainerCaller,
  { service, env }: { readonly service: string; readonly env?: string },
): Tunnel {
  return tunnel(async ({ method, url, headers = {}, body, timeoutMs }) => {
    const { statusCode, header, data } = await cloud.callContainer({
      path: pathOf(url),
      method,
      header: { ...headers, 'X-WX-SERVICE': service },
      ...(body !== undefined && { data: typeof body === 'string' ? body : bufferOf(body) }),
      responseType: 'arraybuffer',
      timeout: timeoutMs,
      ...(env !== undefined && { config: { env } }),
    })
    return {
      status: statusCode,
      headers: header,
      body: isBuffer(data) ? new Uint8Array(data) : undefined,
    }
  })
}

/** The part of the original `wx.cloud` that calls a function. */
export interface FunctionCaller {
  callFunction(options: { name: string; data: object }): Promise<{ result: unknown }>
}

/**
 * Through one cloud function of the original `wx.cloud`, which hands on what it gets: `{ method, path, headers, body }`, the body
 * in base64, and answers `{ status, headers, body }` in the same way.
 */
export function functionTunnel(cloud: FunctionCaller, { name }: { readonly name: string }): Tunnel {
  return tunnel(async ({ method, url, headers = {}, body }) => {
    const bytes = typeof body === 'string' ? utf8(body) : body
    const data = { method, path: pathOf(url), headers, body: bytes ? toBase64(bytes) : '' }
    const { result } = await cloud.callFunction({ name, data })
    const { status, headers: answered, body: text } = (result ?? {}) as Record<string, unknown>
    return {
      status: Number(status),
      headers: (answered ?? {}) as Record<string, unknown>,
      body: fromBase64(String(text ?? '')),
    }
  })
}

/** What came out at the other end, not looked at yet. */
interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: Uint8Array | undefined
}

function tunnel(exchange: (request: HttpRequest) => Promise<Answer>): Tunnel {
  return {
    async request(request) {
      const fail = (cause: unknown) =>
        new CloudError('OFFLINE', { errMsg: `no answer through the tunnel: ${hostWords(cause)}`, cause })
      const answer = await exchange(request).catch((cause: unknown) => {
        throw fail(cause)
      })
      const { status, body } = answer
      if (!body || !(status >= 100 && status < 600) || (status >= 300 && status < 400))
        throw fail(new Error(`status ${status}`))
      if (body.length > (request.mostBytes ?? Number.POSITIVE_INFINITY)) throw fail(new Error('too much'))
      if (request.body !== undefined) request.onSent?.(request.body.length)
      const headers: Record<string, string> = {}
      for (const [name, value] of Object.entries(answer.headers)) headers[name.toLowerCase()] = String(value)
      return { status, headers, body }
    },
  }
}

function pathOf(url: string): string {
  return url.replace(/^[a-z]+:\/\/[^/]*/i, '') || '/'
}
