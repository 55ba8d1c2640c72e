import { CloudError } from '@nearcloud/protocol'
import type { HttpRequest, HttpResponse } from './platform.ts'

/** The part of `wx.request`, and of what is called so elsewhere, that is used. */
export type CallbackRequest = (options: {
  readonly url: string
  readonly method: HttpRequest['method']
  readonly header: Readonly<Record<string, string>>
  readonly data?: string | ArrayBuffer
  readonly responseType: 'arraybuffer'
  readonly dataType: 'other'
  readonly redirect: 'manual'
  readonly timeout: number
  success(answer: {
    readonly statusCode: number
    readonly data: unknown
    readonly header: Readonly<Record<string, unknown>>
  }): void
  fail(error: unknown): void
}) => unknown

/** `Platform.request` for hosts that have a function like `wx.request`. */
export function requestByCallback(send: CallbackRequest): (request: HttpRequest) => Promise<HttpResponse> {
  return ({ method, url, headers = {}, body, timeoutMs, mostBytes = Number.POSITIVE_INFINITY, onSent }) =>
    new Promise((resolve, reject) => {
      const fail = (cause: unknown) =>
        reject(
          new CloudError('OFFLINE', {
            errMsg: `no answer from ${url.split('/', 3).join('/')}: check the endpoint and the network`,
            cause,
          }),
        )
      send({
        url,
        method,
        header: headers,
        ...(body !== undefined && { data: typeof body === 'string' ? body : bufferOf(body) }),
        responseType: 'arraybuffer',
        dataType: 'other',
        redirect: 'manual',
        timeout: timeoutMs,
        success({ statusCode, data, header }) {
          const isAnswer = isBuffer(data) && data.byteLength <= mostBytes
          if (!isAnswer || (statusCode >= 300 && statusCode < 400))
            return fail(new Error(`status ${statusCode}`))
          if (body !== undefined) onSent?.(body.length)
          resolve({ status: statusCode, headers: lowered(header), body: new Uint8Array(data) })
        },
        fail,
      })
    })
}

/** Hosts write them as they like. */
function lowered(header: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(header).map(([name, value]) => [name.toLowerCase(), String(value)] as const),
  )
}

/** Also one of another realm: hosts run their own code beside the app's. */
export function isBuffer(data: unknown): data is ArrayBuffer {
  return Object.prototype.toString.call(data) === '[object ArrayBuffer]'
}

/** Bytes of its own, as hosts take them. */
export function bufferOf(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer
}
