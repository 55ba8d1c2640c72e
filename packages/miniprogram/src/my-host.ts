import { type CallbackRequest, isBuffer, requestByCallback } from '@nearcloud/client'
import {
  type Answer,
  asked,
  type Host,
  type HostEvents,
  type HostSocket,
  type HostSocketListener,
  hostEvents,
  hostWords,
} from './host.ts'
import { type FileSystem, hostFiles } from './host-files.ts'
import { keyFiles, type ListedKeys } from './key-files.ts'
import { utf8 } from './utf8.ts'

/** The part of `my` that is used. */
export interface My extends HostEvents {
  readonly env: { readonly USER_DATA_PATH: string }
  /** From base library 1.13.0, for apps that have the ability 文件管理器. */
  getFileSystemManager?(): FileSystem
  getStorageSync(options: { key: string }): { data: unknown }
  setStorageSync(options: { key: string; data: string }): MyOutcome
  removeStorageSync(options: { key: string }): unknown
  getStorageInfoSync(): { keys: readonly string[] }
  /** Nothing before base library 2.3.1, which knows no `multiple`. */
  connectSocket(options: { url: string; multiple: true; fail(error: unknown): void }): unknown
  sendSocketMessage(options: MySending): unknown
  closeSocket(options: { code?: number }): unknown
  onSocketOpen(listener: () => void): void
  offSocketOpen(listener: () => void): void
  onSocketMessage(listener: (message: MyMessage) => void): void
  offSocketMessage(listener: () => void): void
  onSocketError(listener: (error: unknown) => void): void
  offSocketError(listener: () => void): void
  onSocketClose(listener: () => void): void
  offSocketClose(listener: () => void): void
  request(options: {
    url: string
    method: Parameters<CallbackRequest>[0]['method']
    headers: Record<string, string>
    data?: string | ArrayBuffer
    dataType: 'arraybuffer'
    timeout: number
    success(answer: unknown): void
    fail(error: unknown): void
  }): unknown
  getAuthCode(options: { scopes: string } & Answer<{ authCode: string }>): unknown
}

export interface MySocketTask {
  send(options: MySending): unknown
  close(options: { code?: number }): unknown
  onOpen(listener: () => void): void
  onMessage(listener: (message: { data: MyMessage }) => void): void
  onError(listener: (error: unknown) => void): void
  onClose(listener: () => void): void
}

/** Absent in old base libraries, which say nothing. */
type MyOutcome = { success?: boolean; error?: number; errorMessage?: string } | undefined

interface MySending {
  data: string
  success(): void
  fail(): void
}

interface MyMessage {
  data: unknown
  /** The data is bytes, as text in base64. */
  isBuffer?: boolean
}

/** Alipay's mini programs. */
export function myHost(my: My): Host {
  const keys = keysOf(my)
  const fs = typeof my.getFileSystemManager === 'function' ? my.getFileSystemManager() : undefined
  const one = { isEnding: false }
  return {
    name: 'my',
    files: fs ? hostFiles(worded(fs), my.env.USER_DATA_PATH) : keyFiles(keys),
    keys,
    connect: (url, listener) => (one.isEnding ? connectNext : connect)(my, url, listener, one),
    request: requestByCallback(options => request(my, options)),
    // it has none to give
    randomBytes: async () => undefined,
    loginCode: async () =>
      (await asked<{ authCode: string }>(answer => my.getAuthCode({ scopes: 'auth_base', ...answer })))
        .authCode,
    ...hostEvents(my),
  }
}

/** Alipay says by a number what the storage looks for in words. */
function worded(fs: FileSystem): FileSystem {
  const methods = fileMethods.map(name => {
    const method = ({ fail, ...options }: Parameters<FileSystem[typeof name]>[0]) => {
      const failed = (cause: unknown) => {
        const error = Number((cause as { error?: unknown } | null)?.error)
        const words = fileWords[error]
        fail(words === undefined ? cause : { error, errMsg: `${words}: ${hostWords(cause)}` })
      }
      fs[name]({ ...options, fail: failed } as never)
    }
    return [name, method] as const
  })
  return Object.fromEntries(methods) as unknown as FileSystem
}

const fileMethods = ['mkdir', 'readdir', 'readFile', 'writeFile', 'appendFile', 'rename', 'unlink'] as const

const fileWords: Readonly<Record<number, string>> = {
  10022: 'no such file or directory',
  10025: 'file already exists',
  10028: 'the limit of files is reached',
}

function keysOf(my: My): ListedKeys {
  return {
    names: () => my.getStorageInfoSync().keys,
    get(key) {
      const data = my.getStorageSync({ key })?.data
      return typeof data === 'string' && data !== '' ? data : undefined
    },
    set(key, data) {
      const outcome = my.setStorageSync({ key, data })
      if (outcome?.success === false || outcome?.error) throw outcome
    },
    remove: key => void my.removeStorageSync({ key }),
  }
}

/** A status that is no success is a failure there, with the answer in it. */
function request(my: My, { url, method, header, data, timeout, ...told }: Parameters<CallbackRequest>[0]) {
  const answered = (thing: unknown) => {
    const { status, statusCode, headers, header, data } = (thing ?? {}) as Record<string, unknown>
    const number = Number(status ?? statusCode)
    if (!(number >= 100)) return told.fail(thing)
    told.success({
      statusCode: number,
      header: (headers ?? header ?? {}) as Record<string, unknown>,
      data: isBuffer(data) ? data : utf8(typeof data === 'string' ? data : '').buffer,
    })
  }
  return my.request({
    url,
    method,
    headers: { ...header },
    ...(data !== undefined && { data }),
    dataType: 'arraybuffer',
    timeout,
    success: answered,
    fail: answered,
  })
}

/** Where a host has one socket: it was closed here, and the host has not said that it ended. */
interface OneSocket {
  isEnding: boolean
}

/** Connects when the one socket has ended: until then the host refuses another, and its end would be taken for that one's. */
function connectNext(my: My, url: string, listener: HostSocketListener, one: OneSocket): HostSocket {
  let socket: HostSocket | undefined
  const ended = () => {
    my.offSocketClose(ended)
    socket = connect(my, url, listener, one)
  }
  my.onSocketClose(ended)
  return {
    send: (data, sent) => socket?.send(data, sent),
    close() {
      my.offSocketClose(ended)
      // a host that forgot to say it is not waited for again
      one.isEnding = false
      socket?.close()
    },
  }
}

function connect(my: My, url: string, listener: HostSocketListener, one: OneSocket): HostSocket {
  let isOver = false
  const ended = (cause: unknown) => {
    if (isOver) return
    isOver = true
    one.isEnding = false
    stop()
    listener.closed({ code: 1006, words: hostWords(cause ?? 'closed') })
  }
  const given = my.connectSocket({ url, multiple: true, fail: ended }) as Partial<MySocketTask> | undefined
  const isTask = typeof given?.onOpen === 'function'
  const { task, stop } = isTask ? { task: given as MySocketTask, stop: () => undefined } : single(my)
  task.onOpen(() => listener.opened())
  task.onMessage(({ data: message }) => listener.received(message.isBuffer ? undefined : message.data))
  task.onError(ended)
  task.onClose(() => ended(undefined))
  return {
    send: (data, sent) => void task.send({ data, success: sent, fail: sent }),
    close() {
      if (isOver) return
      one.isEnding = !isTask
      task.close({ code: 1000 })
    },
  }
}

/** The one socket of an old base library, as a task; `stop` ends its events, which are those of every later one too. */
function single(my: My): { readonly task: MySocketTask; stop(): void } {
  const stops: (() => void)[] = []
  const on =
    <Listener>(begin: (listener: Listener) => void, end: (listener: Listener) => void) =>
    (listener: Listener) => {
      begin(listener)
      stops.push(() => end(listener))
    }
  const onMessage = on<(message: MyMessage) => void>(
    listener => my.onSocketMessage(listener),
    listener => my.offSocketMessage(listener as () => void),
  )
  return {
    task: {
      send: options => my.sendSocketMessage(options),
      close: options => my.closeSocket(options),
      onOpen: on<() => void>(
        listener => my.onSocketOpen(listener),
        listener => my.offSocketOpen(listener),
      ),
      onMessage: listener => onMessage(data => listener({ data })),
      onError: on<(error: unknown) => void>(
        listener => my.onSocketError(listener),
        listener => my.offSocketError(listener as () => void),
      ),
      onClose: on<() => void>(
        listener => my.onSocketClose(listener),
        listener => my.offSocketClose(listener),
      ),
    },
    stop() {
      for (const each of stops) each()
    },
  }
}
