import { CloudError } from '@nearcloud/protocol'
import type { HttpRequest, HttpResponse } from './platform.ts'

/** The part of a host's `fetch` that is used. */
export type Fetch<Signal> = (
  url: string,
  init: {
    method: string
    headers: Record<string, string>
    body?: never
    redirect: 'error'
    credentials: 'omit'
    cache: 'no-store'
    signal: Signal
  },
) => Promise<{
  readonly status: number
  readonly headers: { forEach(each: (value: string, name: string) => void): void }
  arrayBuffer(): Promise<ArrayBuffer>
}>

/**
 * `Platform.request` for hosts that have `fetch`. `deadline` gives a signal that aborts after so many milliseconds.
 * A redirect is no answer: it is a login page's, not ours.
 */
export function requestByFetch<Signal>(
  fetch: Fetch<Signal>,
  deadline: (timeoutMs: number) => Signal,
): (request: HttpRequest) => Promise<HttpResponse> {
  return async ({ method, url, headers, body, timeoutMs, onSent }) => {
    try {
      const response = await fetch(url, {
        method,
        headers: { ...headers },
        ...(body !== undefined && { body: body as never }),
        redirect: 'error',
        credentials: 'omit',
        cache: 'no-store',
        signal: deadline(timeoutMs),
      })
      const bytes = new Uint8Array(await response.arrayBuffer())
      if (body !== undefined) onSent?.(body.length)
      const answered: Record<string, string> = {}
      response.headers.forEach((value, name) => {
        answered[name.toLowerCase()] = value
      })
      return { status: response.status, headers: answered, body: bytes }
    } catch (cause) {
      throw new CloudError('OFFLINE', {
        errMsg: `no answer from ${url.split('/', 3).join('/')}: check the endpoint and the network`,
        cause,
      })
    }
  }
}
