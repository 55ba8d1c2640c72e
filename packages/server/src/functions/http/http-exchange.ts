import { Buffer } from 'node:buffer'
import { CloudError } from '@nearcloud/protocol'
import { hasNoBody, type ResponseHead, readHead } from './http-response.ts'

/** What a function that answers a request asks for while it runs: its texts are JSON for `respond`, base64 for `chunk`. */
export type HttpVerb = 'respond' | 'chunk' | 'bodyPart'

export interface HttpExchangeOptions {
  /** The body, where the function reads it as it comes. */
  readonly body: ReadableStream<Uint8Array> | null
  /** Of such a body. */
  readonly mostBytes: number
  /** HEAD: what the function says of a body is passed over. */
  readonly isBodyWanted: boolean
  /** The response begins; `body` gives what the function sends. */
  begin(head: ResponseHead, body: ReadableStream<Uint8Array> | null): void
}

/** One request and its response, while the function reads or writes in pieces. */
export class HttpExchange {
  readonly #options: HttpExchangeOptions
  readonly #reader: ReadableStreamDefaultReader<Uint8Array> | undefined
  #read = 0
  #rest: Uint8Array = new Uint8Array(0)
  #writer: WritableStreamDefaultWriter<Uint8Array> | undefined
  #hasBegun = false

  constructor(options: HttpExchangeOptions) {
    this.#options = options
    this.#reader = options.body?.getReader()
  }

  get hasBegun(): boolean {
    return this.#hasBegun
  }

  async carryOut(verb: HttpVerb, text: string): Promise<unknown> {
    switch (verb) {
      case 'respond':
        return this.#respond(text)
      case 'chunk':
        return this.#write(Buffer.from(text, 'base64'))
      case 'bodyPart':
        return this.#bodyPart()
    }
  }

  /** The function is done: the response ends, or breaks off. */
  end(error?: unknown): void {
    const writer = this.#writer
    this.#writer = undefined
    void this.#reader?.cancel().catch(() => {})
    if (error === undefined) void writer?.close().catch(() => {})
    else void writer?.abort(error).catch(() => {})
  }

  #respond(text: string): void {
    if (this.#hasBegun) throw refused('the response has begun already')
    let head: ResponseHead
    try {
      head = readHead(JSON.parse(text))
    } catch (thrown) {
      throw refused((thrown as Error).message)
    }
    this.#hasBegun = true
    if (!this.#options.isBodyWanted || hasNoBody(head.statusCode)) {
      this.#options.begin(head, null)
      return
    }
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>(
      undefined,
      new ByteLengthQueuingStrategy({ highWaterMark: 262_144 }),
    )
    this.#writer = writable.getWriter()
    this.#writer.closed.catch(() => {})
    this.#options.begin(head, readable)
  }

  /** Waits until whoever asked takes more. Rejects when they are gone. */
  async #write(bytes: Uint8Array): Promise<void> {
    if (!this.#hasBegun) throw refused('a response begins with its head')
    const writer = this.#writer
    if (!writer) return
    try {
      await writer.ready
      void writer.write(bytes).catch(() => {})
    } catch (cause) {
      throw new CloudError('ABORTED', { errMsg: 'whoever asked is gone', cause })
    }
  }

  /** Base64 of the next piece of the body, null at its end. */
  async #bodyPart(): Promise<string | null> {
    if (!this.#reader) return null
    if (this.#rest.length === 0) {
      const { done, value } = await this.#reader.read().catch((cause: unknown) => {
        throw new CloudError('ABORTED', { errMsg: 'the body of the request was cut off', cause })
      })
      if (done) return null
      this.#read += value.length
      if (this.#read > this.#options.mostBytes)
        throw refused(`the body of the request has more than ${this.#options.mostBytes} bytes`)
      this.#rest = value
    }
    const part = this.#rest.subarray(0, partBytes)
    this.#rest = this.#rest.subarray(partBytes)
    return Buffer.from(part).toString('base64')
  }
}

const partBytes = 65_536

function refused(errMsg: string): CloudError {
  return new CloudError('INVALID_PARAM', { errMsg })
}
