import { isBuffer } from '@nearcloud/client'
import { WebSocket } from 'ws'
import type { MiniProcess } from './process.ts'

export interface SocketEvents {
  open(): void
  message(data: string | ArrayBuffer): void
  error(words: string): void
  close(end: { readonly code: number; readonly reason: string }): void
}

/** A socket of a phone. Its events come as the process lets them. */
export interface PhoneSocket {
  send(data: unknown): Promise<void>
  close(code: number): void
}

export interface Exchange {
  readonly url: string
  readonly method: string
  readonly headers: Record<string, string>
  readonly body: string | ArrayBuffer | undefined
  readonly timeoutMs: number
  readonly isFollowing: boolean
}

export interface Exchanged {
  readonly status: number
  readonly headers: Record<string, string>
  readonly bytes: ArrayBuffer
}

/** A phone's network as one run of a mini program has it: five sockets and ten requests at once, at most. */
export class PhoneNetwork {
  readonly #process: MiniProcess
  readonly #sockets = new Set<{ cut(words: string): void }>()
  readonly #waiting: (() => void)[] = []
  #requests = 0
  /** Undefined: it works. */
  #refusal: string | undefined
  /** Undefined: sockets can be had, where the network works. */
  #socketRefusal: string | undefined
  /** Addresses asked for, in order. */
  readonly asked: string[] = []
  bytesSent = 0
  bytesReceived = 0

  constructor(process: MiniProcess) {
    this.#process = process
    process.whenDead(() => this.cut('interrupted'))
  }

  get openSockets(): number {
    return this.#sockets.size
  }

  /** Nothing goes out any more; what is open breaks. */
  refuse(words: string): void {
    this.#refusal = words
    this.cut(words)
  }

  allow(): void {
    this.#refusal = undefined
  }

  /** No socket gets through any more, as behind a proxy that knows none; requests do. */
  refuseSockets(words: string): void {
    this.#socketRefusal = words
    this.cut(words)
  }

  cut(words: string): void {
    for (const socket of [...this.#sockets]) socket.cut(words)
  }

  /** Why no socket can be had now. */
  get socketRefusal(): string | undefined {
    return (
      this.#refusal ??
      this.#socketRefusal ??
      (this.#sockets.size >= 5 ? 'fail:socket connection limit exceeded' : undefined)
    )
  }

  /** Call it when there is no `socketRefusal`. */
  dial(url: string, events: SocketEvents): PhoneSocket {
    // a host dials in threads of its own, and each event is a turn
    const tell = (event: () => void) => this.#process.later(event)
    let isOver = false
    let socket: WebSocket | undefined
    const end = (how: { code: number; reason: string }, error?: string) => {
      if (isOver) return
      isOver = true
      this.#sockets.delete(entry)
      socket?.terminate()
      if (error !== undefined) tell(() => events.error(error))
      tell(() => events.close(how))
    }
    const entry = { cut: (words: string) => end({ code: 1006, reason: words }, words) }
    this.#sockets.add(entry)
    const dial = () => {
      if (isOver) return
      socket = new WebSocket(url, { perMessageDeflate: false })
      socket.on('open', () => !isOver && tell(() => events.open()))
      socket.on('message', (data: Buffer, isBinary) => {
        this.bytesReceived += data.length
        if (isOver) return
        const message = isBinary ? (new Uint8Array(data).slice().buffer as ArrayBuffer) : data.toString()
        tell(() => events.message(message))
      })
      socket.on('error', error => end({ code: 1006, reason: 'abnormal closure' }, error.message))
      socket.on('close', (code, reason) => end({ code, reason: reason.toString() }))
    }
    setImmediate(dial)
    return {
      send: data =>
        new Promise<void>((resolve, reject) => {
          if (typeof data !== 'string' && !isBuffer(data))
            throw new Error('data should be String or ArrayBuffer')
          if (isOver || socket?.readyState !== WebSocket.OPEN)
            throw new Error('SocketTask.readyState is not OPEN')
          this.bytesSent += typeof data === 'string' ? Buffer.byteLength(data) : data.byteLength
          socket.send(data, error => (error ? reject(error) : resolve()))
        }),
      close: code => {
        if (socket?.readyState === WebSocket.OPEN) socket.close(code)
        this.#process.later(() => end({ code, reason: '' }))
      },
    }
  }

  /** When it is its turn. Rejects when there is no answer. */
  async exchange(
    { url, method, headers, body, timeoutMs, isFollowing }: Exchange,
    controller: AbortController,
  ): Promise<Exchanged> {
    if (this.#requests >= 10) await new Promise<void>(resolve => this.#waiting.push(resolve))
    this.#requests++
    try {
      if (this.#refusal !== undefined) throw new Error(this.#refusal)
      this.asked.push(`${method} ${url}`)
      const timer = setTimeout(() => controller.abort(), timeoutMs)
      timer.unref()
      this.bytesSent += typeof body === 'string' ? Buffer.byteLength(body) : (body?.byteLength ?? 0)
      const answer = await fetch(url, {
        method,
        headers,
        redirect: isFollowing ? 'follow' : 'manual',
        signal: controller.signal,
        ...(body !== undefined && { body }),
      })
      const bytes = await answer.arrayBuffer()
      clearTimeout(timer)
      this.bytesReceived += bytes.byteLength
      if (this.#refusal !== undefined) throw new Error(this.#refusal)
      // hosts write the names of headers as they like
      const titled = [...answer.headers].map(([name, value]) => [
        name.replace(/(^|-)[a-z]/g, letters => letters.toUpperCase()),
        value,
      ])
      return { status: answer.status, headers: Object.fromEntries(titled), bytes }
    } finally {
      this.#requests--
      this.#waiting.shift()?.()
    }
  }
}

const methods = ['OPTIONS', 'GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'TRACE', 'CONNECT']

/** What a request can be made of. Throws on anything else. */
export function checkExchange(method: unknown, data: unknown): void {
  if (!methods.includes(String(method)))
    throw new Error(`request:fail method "${String(method)}" is not one a mini program has`)
  if (data !== undefined && typeof data !== 'string' && !isBuffer(data))
    throw new Error('the double of request takes a String or an ArrayBuffer')
}
