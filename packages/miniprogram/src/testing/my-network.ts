import { MyFailure } from './my-manner.ts'
import { checkExchange, PhoneNetwork, type PhoneSocket } from './phone-network.ts'
import type { CallbackOptions, MiniProcess } from './process.ts'
import { checkOptions, strict } from './strict.ts'

type Listener = (event: object) => void
const names = ['Open', 'Message', 'Error', 'Close'] as const
type Heard = Record<(typeof names)[number], Listener[]>

/**
 * The network as `my` has it: sockets as tasks with `multiple: true`, or one at a time with events of `my` itself; a status that is no
 * success is a failure that has the answer in it.
 */
export class MyNetwork extends PhoneNetwork {
  readonly #process: MiniProcess
  readonly #knowsTasks: boolean
  /** Those of `my` itself. */
  readonly #heard = nobody()
  #single: PhoneSocket | undefined
  #sockets = 0

  constructor(process: MiniProcess, options: { readonly knowsTasks: boolean }) {
    super(process)
    this.#process = process
    this.#knowsTasks = options.knowsTasks
  }

  readonly connectSocket = (options: CallbackOptions): object | undefined => {
    checkOptions('connectSocket', options, {
      needed: ['url'],
      optional: ['multiple', 'data', 'header', 'protocols', 'timeout'],
    })
    if (options.multiple === true && this.#knowsTasks) return this.#task(options)
    const failure = this.#single ? new MyFailure(3, 'WebSocket 已存在') : this.#refusalOf(options)
    this.#process.answer('connectSocket', options, () => {
      if (failure) throw failure
      return {}
    })
    if (!failure)
      this.#single = this.#dialled(
        String(options.url),
        this.#heard,
        event => event,
        () => {
          this.#single = undefined
        },
      )
    return undefined
  }

  /** What `my` itself has for its one socket. */
  readonly single = () => ({
    sendSocketMessage: (sending: CallbackOptions) => this.#send(sending, () => this.#single),
    closeSocket: (closing: CallbackOptions = {}) => this.#close(closing, () => this.#single),
    ...Object.fromEntries(
      names.flatMap(name => [
        [`onSocket${name}`, (listener: Listener) => void this.#heard[name].push(listener)],
        [`offSocket${name}`, (listener?: Listener) => forget(this.#heard[name], listener)],
      ]),
    ),
  })

  readonly request = (options: CallbackOptions): object => {
    checkOptions('request', options, {
      needed: ['url'],
      optional: ['data', 'headers', 'header', 'timeout', 'method', 'dataType', 'referrerStrategy'],
    })
    const { url, method = 'GET', data, timeout = 30_000, dataType = 'json' } = options
    checkExchange(method, data)
    const controller = new AbortController()
    this.#process.answer('request', options, async () => {
      const { status, headers, bytes } = await this.exchange(
        {
          url: String(url),
          method: String(method),
          headers: (options.headers ?? options.header ?? {}) as Record<string, string>,
          body: data as string | ArrayBuffer | undefined,
          timeoutMs: Number(timeout),
          isFollowing: false,
        },
        controller,
      ).catch(() => {
        throw controller.signal.aborted ? new MyFailure(13, '超时') : new MyFailure(12, '网络出错')
      })
      const answer = { status, statusCode: status, headers, header: headers, data: dataOf(bytes, dataType) }
      if (status < 200 || status > 299) throw new MyFailure(19, 'http status error', answer)
      return answer
    })
    return strict('a request task', { abort: () => controller.abort() })
  }

  #task(options: CallbackOptions): object {
    const heard = nobody()
    const socketTaskID = String(++this.#sockets)
    const failure = this.#refusalOf(options)
    this.#process.answer('connectSocket', options, () => {
      if (failure) throw failure
      return {}
    })
    let socket: PhoneSocket | undefined
    if (!failure)
      socket = this.#dialled(
        String(options.url),
        heard,
        ({ error, ...event }) => ({
          data: { socketTaskID, ...event },
          ...(error !== undefined && { error }),
        }),
        () => {
          socket = undefined
        },
      )
    return strict('a SocketTask', {
      send: (sending: CallbackOptions) => this.#send(sending, () => socket),
      close: (closing: CallbackOptions = {}) => this.#close(closing, () => socket),
      ...Object.fromEntries(
        names.flatMap(name => [
          [`on${name}`, (listener: Listener) => void heard[name].push(listener)],
          [`off${name}`, (listener?: Listener) => forget(heard[name], listener)],
        ]),
      ),
    })
  }

  #refusalOf({ url }: CallbackOptions): MyFailure | undefined {
    if (!/^wss?:\/\//.test(String(url))) return new MyFailure(5, 'url 必须以 ws 或者 wss 开头')
    return this.socketRefusal === undefined ? undefined : new MyFailure(12, '网络异常')
  }

  #dialled(
    url: string,
    heard: Heard,
    eventOf: (event: Record<string, unknown>) => object,
    ended: () => void,
  ): PhoneSocket {
    const tell = (name: keyof Heard, event: Record<string, unknown>) => {
      for (const listener of [...heard[name]]) listener(eventOf(event))
    }
    return this.dial(url, {
      open: () => tell('Open', {}),
      // bytes are text in base64
      message: data =>
        tell('Message', {
          data: typeof data === 'string' ? data : Buffer.from(data).toString('base64'),
          isBuffer: typeof data !== 'string',
        }),
      error: errorMessage => tell('Error', { error: 12, errorMessage }),
      close: () => {
        ended()
        tell('Close', {})
      },
    })
  }

  #send(sending: CallbackOptions, current: () => PhoneSocket | undefined): void {
    checkOptions('sendSocketMessage', sending, { needed: ['data'], optional: ['isBuffer'] })
    this.#process.answer('sendSocketMessage', sending, async () => {
      if (typeof sending.data !== 'string') throw new MyFailure(2, '接口参数无效')
      const socket = current()
      if (!socket) throw new MyFailure(3, 'WebSocket 未连接')
      await socket.send(sending.data)
      return { success: true }
    })
  }

  #close(closing: CallbackOptions, current: () => PhoneSocket | undefined): void {
    checkOptions('closeSocket', closing, { optional: ['code', 'reason'] })
    this.#process.answer('closeSocket', closing, () => {
      current()?.close(Number(closing.code ?? 1000))
      return { message: '' }
    })
  }
}

function nobody(): Heard {
  return { Open: [], Message: [], Error: [], Close: [] }
}

function forget(listeners: Listener[], listener: Listener | undefined): void {
  const at = listener ? listeners.indexOf(listener) : 0
  if (at >= 0) listeners.splice(at, listener ? 1 : listeners.length)
}

function dataOf(bytes: ArrayBuffer, dataType: unknown): unknown {
  switch (dataType) {
    case 'arraybuffer':
      return bytes
    case 'base64':
      return Buffer.from(bytes).toString('base64')
    case 'text':
      return new TextDecoder().decode(bytes)
    case 'json':
      try {
        return JSON.parse(new TextDecoder().decode(bytes))
      } catch {
        throw new MyFailure(14, 'JSON parse data error')
      }
    default:
      throw new MyFailure(2, '接口参数无效')
  }
}
