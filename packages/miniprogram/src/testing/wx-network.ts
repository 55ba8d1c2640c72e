import { WebSocket } from 'ws'
import { isBuffer } from '../host.ts'
import type { MiniProcess } from './process.ts'
import { checkOptions, strict } from './strict.ts'

type Options = { success?(result: object): void; fail?(error: object): void; [name: string]: unknown }

/** A phone's network as one run of a mini program has it: five sockets and ten requests at once, at most. */
export class WxNetwork {
  readonly #process: MiniProcess
  readonly #sockets = new Set<{ cut(words: string): void }>()
  readonly #waiting: (() => void)[] = []
  #requests = 0
  /** Undefined: it works. */
  #refusal: string | undefined
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

  cut(words: string): void {
    for (const socket of [...this.#sockets]) socket.cut(words)
  }

  readonly connectSocket = (options: Options): object => {
    checkOptions('connectSocket', options, {
      needed: ['url'],
      optional: ['header', 'protocols', 'tcpNoDelay', 'perMessageDeflate', 'timeout', 'forceCellularNetwork'],
    })
    const url = String(options.url)
    if (!/^wss?:\/\//.test(url)) throw new Error('connectSocket:fail invalid url')
    const heard: Record<'open' | 'message' | 'error' | 'close', ((event: object) => void)[]> = {
      open: [],
      message: [],
      error: [],
      close: [],
    }
    const tell = (name: keyof typeof heard, event: object) =>
      this.#process.now(() => {
        for (const listener of heard[name]) listener(event)
      })
    let isOver = false
    let socket: WebSocket | undefined
    const end = (event: { code: number; reason: string }, error?: string) => {
      if (isOver) return
      isOver = true
      this.#sockets.delete(entry)
      socket?.terminate()
      if (error !== undefined) tell('error', { errMsg: error })
      tell('close', event)
    }
    const entry = { cut: (words: string) => end({ code: 1006, reason: words }, words) }
    const refusal =
      this.#refusal ?? (this.#sockets.size >= 5 ? 'fail:socket connection limit exceeded' : undefined)
    if (refusal !== undefined) {
      isOver = true
      this.#process.later(() => {
        options.fail?.({ errMsg: `connectSocket:${refusal}` })
        tell('error', { errMsg: refusal })
      })
    } else {
      this.#sockets.add(entry)
      this.#process.answer('connectSocket', options, () => ({}))
      socket = new WebSocket(url, { perMessageDeflate: false })
      socket.on('open', () => !isOver && tell('open', { header: {} }))
      socket.on('message', (data: Buffer, isBinary) => {
        this.bytesReceived += data.length
        if (!isOver)
          tell('message', { data: isBinary ? new Uint8Array(data).slice().buffer : data.toString() })
      })
      socket.on('error', error => end({ code: 1006, reason: 'abnormal closure' }, error.message))
      socket.on('close', (code, reason) => end({ code, reason: reason.toString() }))
    }
    return strict('a SocketTask', {
      send: (sending: Options) => {
        checkOptions('sendSocketMessage', sending, { needed: ['data'] })
        this.#process.answer(
          'sendSocketMessage',
          sending,
          () =>
            new Promise<object>((resolve, reject) => {
              const { data } = sending
              if (typeof data !== 'string' && !isBuffer(data))
                throw new Error('data should be String or ArrayBuffer')
              if (isOver || socket?.readyState !== WebSocket.OPEN)
                throw new Error('SocketTask.readyState is not OPEN')
              this.bytesSent += typeof data === 'string' ? Buffer.byteLength(data) : data.byteLength
              socket.send(data, error => (error ? reject(error) : resolve({})))
            }),
        )
      },
      close: (closing: Options = {}) => {
        checkOptions('closeSocket', closing, { optional: ['code', 'reason'] })
        const { code = 1000 } = closing
        if (code !== 1000 && !(Number(code) >= 3000 && Number(code) <= 4999))
          throw new Error('closeSocket:fail invalid code')
        if (socket?.readyState === WebSocket.OPEN) socket.close(Number(code))
        this.#process.later(() => end({ code: Number(code), reason: '' }))
      },
      onOpen: (listener: (event: object) => void) => void heard.open.push(listener),
      onMessage: (listener: (event: object) => void) => void heard.message.push(listener),
      onError: (listener: (event: object) => void) => void heard.error.push(listener),
      onClose: (listener: (event: object) => void) => void heard.close.push(listener),
    })
  }

  readonly request = (options: Options): object => {
    checkOptions('request', options, {
      needed: ['url'],
      optional: [
        'data',
        'header',
        'timeout',
        'method',
        'dataType',
        'responseType',
        'redirect',
        'enableHttp2',
      ],
    })
    const { url, method = 'GET', data, header = {}, timeout = 60_000, responseType = 'text' } = options
    if (!['OPTIONS', 'GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'TRACE', 'CONNECT'].includes(String(method)))
      throw new Error(`request:fail method "${String(method)}" is not one a mini program has`)
    if (data !== undefined && typeof data !== 'string' && !isBuffer(data))
      throw new Error('the double of request takes a String or an ArrayBuffer')
    let abort: () => void = () => undefined
    this.#process.answer('request', options, async () => {
      await this.#turn()
      try {
        if (this.#refusal !== undefined) throw new Error(this.#refusal)
        this.asked.push(`${String(method)} ${String(url)}`)
        const controller = new AbortController()
        abort = () => controller.abort()
        const timer = setTimeout(abort, Number(timeout))
        timer.unref()
        const body = data as string | ArrayBuffer | undefined
        this.bytesSent += typeof body === 'string' ? Buffer.byteLength(body) : (body?.byteLength ?? 0)
        const answer = await fetch(String(url), {
          method: String(method),
          headers: header as Record<string, string>,
          redirect: options.redirect === 'manual' ? 'manual' : 'follow',
          signal: controller.signal,
          ...(body !== undefined && { body }),
        })
        const bytes = await answer.arrayBuffer()
        clearTimeout(timer)
        this.bytesReceived += bytes.byteLength
        if (this.#refusal !== undefined) throw new Error(this.#refusal)
        return {
          statusCode: answer.status,
          header: Object.fromEntries([...answer.headers].map(([name, value]) => [titled(name), value])),
          data: responseType === 'arraybuffer' ? bytes : new TextDecoder().decode(bytes),
          cookies: [],
        }
      } finally {
        this.#requests--
        this.#waiting.shift()?.()
      }
    })
    return strict('a RequestTask', { abort: () => abort() })
  }

  async #turn(): Promise<void> {
    if (this.#requests >= 10) await new Promise<void>(resolve => this.#waiting.push(resolve))
    this.#requests++
  }
}

/** Hosts write the names of headers as they like. */
function titled(name: string): string {
  return name.replace(/(^|-)[a-z]/g, letters => letters.toUpperCase())
}
