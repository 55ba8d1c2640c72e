import { type CallbackRequest, requestByCallback } from '@nearcloud/client'
import {
  asked,
  type Host,
  type HostEvents,
  type HostKeys,
  type HostSocket,
  type HostSocketListener,
  hostEvents,
  hostWords,
} from './host.ts'
import { type FileSystem, hostFiles } from './host-files.ts'

/** The part of `wx` that is used. */
export interface Wx extends HostEvents {
  readonly env: { readonly USER_DATA_PATH: string }
  getFileSystemManager(): FileSystem
  getStorageSync(key: string): unknown
  setStorageSync(key: string, data: string): void
  removeStorageSync(key: string): void
  connectSocket(options: { url: string; fail(error: unknown): void }): WxSocketTask
  request: CallbackRequest
  login(options: { success(result: { code: string }): void; fail(error: unknown): void }): unknown
  /** From base library 2.19.0. */
  getRandomValues?(options: {
    length: number
    success(result: { randomValues: ArrayBuffer }): void
    fail(error: unknown): void
  }): unknown
}

export interface WxSocketTask {
  send(options: { data: string; success(): void; fail(): void }): void
  close(options: { code?: number }): void
  onOpen(listener: () => void): void
  onMessage(listener: (message: { data: unknown }) => void): void
  onError(listener: (error: { errMsg: string }) => void): void
  onClose(listener: (end: { code?: number; reason?: string }) => void): void
}

/** WeChat's mini programs. */
export function wxHost(wx: Wx): Host {
  return {
    name: 'wx',
    files: hostFiles(wx.getFileSystemManager(), wx.env.USER_DATA_PATH),
    keys: keysOf(wx),
    connect: (url, listener) => connect(wx, url, listener),
    // the host's functions want to be called as its own
    request: requestByCallback(options => wx.request(options)),
    async randomBytes(length) {
      if (typeof wx.getRandomValues !== 'function') return undefined
      const answer = await asked<{ randomValues: ArrayBuffer }>(answer =>
        wx.getRandomValues!({ length, ...answer }),
      )
      return new Uint8Array(answer.randomValues)
    },
    loginCode: async () => (await asked<{ code: string }>(answer => wx.login(answer))).code,
    ...hostEvents(wx),
  }
}

function keysOf(wx: Wx): HostKeys {
  return {
    get(key) {
      const text = wx.getStorageSync(key)
      return typeof text === 'string' && text !== '' ? text : undefined
    },
    set: (key, text) => wx.setStorageSync(key, text),
    remove: key => wx.removeStorageSync(key),
  }
}

function connect(wx: Wx, url: string, listener: HostSocketListener): HostSocket {
  const failed = (error: unknown) => listener.closed({ code: 1006, words: hostWords(error) })
  const task = wx.connectSocket({ url, fail: failed })
  task.onOpen(() => listener.opened())
  task.onMessage(({ data }) => listener.received(data))
  task.onError(failed)
  task.onClose(({ code, reason }) => listener.closed({ code: code ?? 1006, words: reason ?? '' }))
  return {
    send: (data, sent) => task.send({ data, success: sent, fail: sent }),
    close: () => task.close({ code: 1000 }),
  }
}
