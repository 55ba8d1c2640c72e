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
  readonly body?: { getReader(): BodyReader } | null
  arrayBuffer(): Promise<ArrayBuffer>
}>

interface BodyReader {
  read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>
  cancel(): Promise<void>
}

/**
 * `Platform.request` for hosts that have `fetch`. `deadline` gives a signal that aborts after so many milliseconds.
 * A redirect is no answer: it is a login page's, not ours.
 */
export function requestByFetch<Signal>(
  fetch: Fetch<Signal>,
  deadline: (timeoutMs: number) => Signal,
): (request: HttpRequest) => Promise<HttpResponse> {
  return async ({ method, url, headers, body, timeoutMs, mostBytes, onSent }) => {
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
      const bytes =
        mostBytes !== undefined && response.body
          ? await readWithin(response.body.getReader(), mostBytes)
          : new Uint8Array(await response.arrayBuffer())
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

/** All of a body, as it is unpacked; rejects as soon as it is more than `mostBytes`. */
async function readWithin(reader: BodyReader, mostBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done || !value) break
    size += value.length
    if (size > mostBytes) {
      reader.cancel().catch(() => undefined)
      throw new Error(`an answer of more than ${mostBytes} bytes`)
    }
    chunks.push(value)
  }
  const bytes = new Uint8Array(size)
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk, at)
    at += chunk.length
  }
  return bytes
}
