import { checkExchange, PhoneNetwork, type PhoneSocket } from './phone-network.ts'
import type { CallbackOptions, MiniProcess } from './process.ts'
import { checkOptions, strict } from './strict.ts'

/** The network as `wx` has it. */
export class WxNetwork extends PhoneNetwork {
  readonly #process: MiniProcess

  constructor(process: MiniProcess) {
    super(process)
    this.#process = process
  }

  readonly connectSocket = (options: CallbackOptions): object => {
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
    const tell = (name: keyof typeof heard, event: object) => {
      for (const listener of heard[name]) listener(event)
    }
    let socket: PhoneSocket | undefined
    const refusal = this.socketRefusal
    if (refusal !== undefined)
      this.#process.later(() => {
        options.fail?.({ errMsg: `connectSocket:${refusal}` })
        tell('error', { errMsg: refusal })
      })
    else {
      this.#process.answer('connectSocket', options, () => ({}))
      socket = this.dial(url, {
        open: () => tell('open', { header: {} }),
        message: data => tell('message', { data }),
        error: errMsg => tell('error', { errMsg }),
        close: end => tell('close', end),
      })
    }
    return strict('a SocketTask', {
      send: (sending: CallbackOptions) => {
        checkOptions('sendSocketMessage', sending, { needed: ['data'] })
        this.#process.answer('sendSocketMessage', sending, async () => {
          if (!socket) throw new Error('SocketTask.readyState is not OPEN')
          await socket.send(sending.data)
          return {}
        })
      },
      close: (closing: CallbackOptions = {}) => {
        checkOptions('closeSocket', closing, { optional: ['code', 'reason'] })
        const { code = 1000 } = closing
        if (code !== 1000 && !(Number(code) >= 3000 && Number(code) <= 4999))
          throw new Error('closeSocket:fail invalid code')
        socket?.close(Number(code))
      },
      onOpen: (listener: (event: object) => void) => void heard.open.push(listener),
      onMessage: (listener: (event: object) => void) => void heard.message.push(listener),
      onError: (listener: (event: object) => void) => void heard.error.push(listener),
      onClose: (listener: (event: object) => void) => void heard.close.push(listener),
    })
  }

  readonly request = (options: CallbackOptions): object => {
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
    checkExchange(method, data)
    const controller = new AbortController()
    this.#process.answer('request', options, async () => {
      const { status, headers, bytes } = await this.exchange(
        {
          url: String(url),
          method: String(method),
          headers: header as Record<string, string>,
          body: data as string | ArrayBuffer | undefined,
          timeoutMs: Number(timeout),
          isFollowing: options.redirect !== 'manual',
        },
        controller,
      )
      return {
        statusCode: status,
        header: headers,
        data: responseType === 'arraybuffer' ? bytes : new TextDecoder().decode(bytes),
        cookies: [],
      }
    })
    return strict('a RequestTask', { abort: () => controller.abort() })
  }
}
