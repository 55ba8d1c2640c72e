import { type CallbackRequest, requestByCallback } from '@nearcloud/client'
import type { Host, HostFiles, HostKeys, HostSocket, HostSocketListener } from './host.ts'

/** The part of `wx` that is used. */
export interface Wx {
  readonly env: { readonly USER_DATA_PATH: string }
  getFileSystemManager(): WxFileSystem
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
  onAppShow(listener: () => void): void
  offAppShow(listener: () => void): void
  onAppHide(listener: () => void): void
  offAppHide(listener: () => void): void
  onNetworkStatusChange(listener: (state: { isConnected: boolean }) => void): void
  offNetworkStatusChange(listener: () => void): void
}

export interface WxFileSystem {
  mkdir(options: { dirPath: string; recursive: boolean } & Answer): void
  readdir(options: { dirPath: string } & Answer<{ files: readonly string[] }>): void
  readFile(options: { filePath: string; encoding?: 'utf8' } & Answer<{ data: string | ArrayBuffer }>): void
  writeFile(options: { filePath: string; data: string | ArrayBuffer; encoding?: 'utf8' } & Answer): void
  appendFile(options: { filePath: string; data: string; encoding: 'utf8' } & Answer): void
  rename(options: { oldPath: string; newPath: string } & Answer): void
  unlink(options: { filePath: string } & Answer): void
}

export interface WxSocketTask {
  send(options: { data: string; success(): void; fail(): void }): void
  close(options: { code?: number }): void
  onOpen(listener: () => void): void
  onMessage(listener: (message: { data: unknown }) => void): void
  onError(listener: (error: { errMsg: string }) => void): void
  onClose(listener: (end: { code?: number; reason?: string }) => void): void
}

interface Answer<Result = unknown> {
  success(result: Result): void
  fail(error: unknown): void
}

/** WeChat's mini programs. */
export function wxHost(wx: Wx): Host {
  return {
    name: 'wx',
    files: filesOf(wx.getFileSystemManager(), wx.env.USER_DATA_PATH),
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
    onShow(listener) {
      wx.onAppShow(listener)
      return () => wx.offAppShow(listener)
    },
    onHide(listener) {
      wx.onAppHide(listener)
      return () => wx.offAppHide(listener)
    },
    onNetwork(listener) {
      const changed = ({ isConnected }: { isConnected: boolean }) => listener(isConnected)
      wx.onNetworkStatusChange(changed)
      return () => wx.offNetworkStatusChange(changed as () => void)
    },
  }
}

function filesOf(fs: WxFileSystem, root: string): HostFiles {
  return {
    root,
    async makeFolder(dirPath) {
      await asked(answer => fs.mkdir({ dirPath, recursive: true, ...answer })).catch(unless(/already exists/))
    },
    async list(dirPath) {
      const { files } = await asked<{ files: readonly string[] }>(answer =>
        fs.readdir({ dirPath, ...answer }),
      )
      return files
    },
    async readText(filePath) {
      const read = (answer: Answer<{ data: unknown }>) =>
        fs.readFile({ filePath, encoding: 'utf8', ...answer })
      return (await asked<{ data: string }>(read)).data
    },
    async readBytes(filePath) {
      const { data } = await asked<{ data: ArrayBuffer }>(answer =>
        fs.readFile({ filePath, ...answer } as Parameters<WxFileSystem['readFile']>[0]),
      )
      return new Uint8Array(data)
    },
    async write(filePath, data) {
      const what =
        typeof data === 'string'
          ? ({ data, encoding: 'utf8' } as const)
          : { data: data.slice().buffer as ArrayBuffer }
      await asked(answer => fs.writeFile({ filePath, ...what, ...answer }))
    },
    async append(filePath, data) {
      await asked(answer => fs.appendFile({ filePath, data, encoding: 'utf8', ...answer }))
    },
    async rename(oldPath, newPath) {
      await asked(answer => fs.rename({ oldPath, newPath, ...answer }))
    },
    async remove(filePath) {
      await asked(answer => fs.unlink({ filePath, ...answer })).catch(unless(/no such file/))
    },
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
  const failed = (error: unknown) =>
    listener.closed({ code: 1006, words: String((error as { errMsg?: unknown } | null)?.errMsg) })
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

/** A function of the host that answers by `success` or `fail`, as a promise. */
function asked<Result>(ask: (answer: Answer<Result>) => unknown): Promise<Result> {
  return new Promise((success, fail) => void ask({ success, fail }))
}

function unless(words: RegExp): (error: unknown) => void {
  return error => {
    if (!words.test(String((error as { errMsg?: unknown } | null)?.errMsg))) throw error
  }
}
