import { Buffer } from 'node:buffer'
import { isRecord } from '../function-config.ts'

/** What a function wants answered, before its body. */
export interface ResponseHead {
  readonly statusCode: number
  readonly headers: Headers
}

/** Of the JSON that a function's process sent. Throws an Error that says what cannot be sent. */
export function readHead(said: unknown): ResponseHead {
  if (!isRecord(said)) throw new Error('a response is an object')
  const { statusCode, headers = {} } = said
  if (!Number.isInteger(statusCode) || (statusCode as number) < 200 || (statusCode as number) > 599)
    throw new Error(
      `the statusCode of a response is a number from 200 to 599, not ${JSON.stringify(statusCode)}`,
    )
  if (!isRecord(headers)) throw new Error('the headers of a response are an object')
  return { statusCode: statusCode as number, headers: headersFrom(headers) }
}

/** The body of a response that came whole: text as it is, which is sent in the quickest way. */
export function readBody(said: Readonly<Record<string, unknown>>): string | Uint8Array<ArrayBuffer> {
  const { body = '', isBase64Encoded = false } = said
  if (typeof body !== 'string') throw new Error('the body of a response is a text')
  return isBase64Encoded === true ? new Uint8Array(Buffer.from(body, 'base64')) : body
}

/** A response with this status has none, whatever the function says. */
export function hasNoBody(statusCode: number): boolean {
  return statusCode === 204 || statusCode === 205 || statusCode === 304
}

function headersFrom(said: Readonly<Record<string, unknown>>): Headers {
  const headers = new Headers()
  let length = 0
  for (const [name, value] of Object.entries(said)) {
    if (!nameForm.test(name))
      throw new Error(`a header of a response cannot be called ${JSON.stringify(name)}`)
    if (ofTheConnection.has(name.toLowerCase())) continue
    for (const each of Array.isArray(value) ? value : [value]) {
      if (!['string', 'number', 'boolean'].includes(typeof each))
        throw new Error(`the header ${name} of a response must be a text or a list of texts`)
      const text = String(each)
      if (!valueForm.test(text)) throw new Error(`the header ${name} of a response holds what no header can`)
      length += name.length + text.length
      if (length > maxHeadersLength)
        throw new Error(`the headers of a response are longer than ${maxHeadersLength}`)
      headers.append(name, text)
    }
  }
  if (!headers.has('x-content-type-options')) headers.set('x-content-type-options', 'nosniff')
  return headers
}

const nameForm = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/
/** Nothing that begins a new line, and nothing outside Latin-1. */
const valueForm = /^[\t\x20-\x7e\x80-\xff]*$/
const maxHeadersLength = 16_384
/** These the server itself decides. */
const ofTheConnection = new Set([
  'connection',
  'content-length',
  'date',
  'keep-alive',
  'proxy-authenticate',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])
