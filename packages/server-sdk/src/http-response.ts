import { Buffer } from 'node:buffer'
import { Readable } from 'node:stream'
import type { Call } from './channel.ts'
import { ask } from './runtime.ts'

/** The event of a request. One whose body the function reads as it comes has a stream for a body. */
export function requestEvent(text: string, { streamsBody }: NonNullable<Call['http']>): unknown {
  const event = JSON.parse(text) as Record<string, unknown>
  if (streamsBody) event.body = Readable.from(requestBody(), { objectMode: false })
  return event
}

async function* requestBody(): AsyncGenerator<Buffer> {
  for (;;) {
    const part = (await ask('bodyPart', '')) as string | null
    if (part === null) return
    yield Buffer.from(part, 'base64')
  }
}

interface Response {
  readonly statusCode: number
  readonly headers: { readonly [name: string]: unknown }
  readonly body: string | AsyncIterable<unknown>
  readonly isBase64Encoded: boolean
}

/**
 * Answers the request as what the function returned says. A small response is the JSON this resolves with; what is large, or a stream,
 * is sent in pieces, each when there is room for it.
 */
export async function answerRequest(returned: unknown): Promise<string> {
  const { body, ...head } = responseOf(returned)
  if (typeof body === 'string' && body.length <= wholeLength) return JSON.stringify({ ...head, body })
  const { statusCode, headers } = head
  await ask('respond', JSON.stringify({ statusCode, headers }))
  const pieces =
    typeof body === 'string' ? [Buffer.from(body, head.isBase64Encoded ? 'base64' : 'utf8')] : body
  for await (const piece of pieces)
    for (let bytes = bytesOf(piece); bytes.length > 0; bytes = bytes.subarray(pieceBytes))
      await ask('chunk', bytes.subarray(0, pieceBytes).toString('base64'))
  return ''
}

const wholeLength = 262_144
const pieceBytes = 65_536

/** Something with a `statusCode` is a response; anything else is the body of one. */
function responseOf(returned: unknown): Response {
  if (!isRecord(returned) || returned.statusCode === undefined)
    return { statusCode: 200, ...bodyOf(returned, {}) }
  const { statusCode, headers, body, isBase64Encoded } = returned
  const said = isRecord(headers) ? headers : {}
  if (isBase64Encoded === true && typeof body === 'string')
    return {
      statusCode: Number(statusCode),
      headers: typed(said, 'application/octet-stream'),
      body,
      isBase64Encoded,
    }
  return { statusCode: Number(statusCode), ...bodyOf(body, said) }
}

function bodyOf(body: unknown, said: Record<string, unknown>): Omit<Response, 'statusCode'> {
  if (body === undefined || body === null) return { headers: said, body: '', isBase64Encoded: false }
  if (body instanceof Uint8Array) {
    const text = Buffer.from(body).toString('base64')
    return { headers: typed(said, 'application/octet-stream'), body: text, isBase64Encoded: true }
  }
  if (isStream(body))
    return { headers: typed(said, 'application/octet-stream'), body, isBase64Encoded: false }
  if (typeof body === 'object')
    return {
      headers: typed(said, 'application/json; charset=utf-8'),
      body: JSON.stringify(body) ?? '',
      isBase64Encoded: false,
    }
  return { headers: typed(said, 'text/plain; charset=utf-8'), body: String(body), isBase64Encoded: false }
}

function typed(headers: Record<string, unknown>, type: string): Record<string, unknown> {
  const isTyped = Object.keys(headers).some(name => name.toLowerCase() === 'content-type')
  return isTyped ? headers : { ...headers, 'content-type': type }
}

function isStream(body: unknown): body is AsyncIterable<unknown> {
  return typeof body === 'object' && body !== null && Symbol.asyncIterator in body
}

function bytesOf(piece: unknown): Buffer {
  if (piece instanceof Uint8Array) return Buffer.from(piece)
  if (typeof piece === 'string') return Buffer.from(piece)
  throw new Error('the body of a response is a stream of Buffers or texts')
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
