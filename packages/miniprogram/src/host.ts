import type { HttpRequest, HttpResponse } from '@nearcloud/client'

/**
 * What is used of a mini program's host, in one way for all of them. What a host says of a failure is passed on as it is:
 * an object with `errMsg`, or `errorMessage`.
 */
export interface Host {
  readonly name: 'wx' | 'my'
  readonly files: HostFiles
  readonly keys: HostKeys
  /** Never throws; what goes wrong is told by `closed`. */
  connect(url: string, listener: HostSocketListener): HostSocket
  request(request: HttpRequest): Promise<HttpResponse>
  /** Bytes not to be guessed, later; undefined where the host has none to give. */
  randomBytes(count: number): Promise<Uint8Array | undefined>
  /** A text that shows a server of ours, once, who uses this device. */
  loginCode(): Promise<string>
  /** Returns the way to stop. */
  onShow(listener: () => void): () => void
  onHide(listener: () => void): () => void
  onNetwork(listener: (isConnected: boolean) => void): () => void
}

/** The user's files: a folder of this mini program and this user of the host. */
export interface HostFiles {
  /** Where files may be made. */
  readonly root: string
  /** With all folders above it; harmless when it is there. */
  makeFolder(path: string): Promise<void>
  /** Names, in no order. */
  list(path: string): Promise<readonly string[]>
  readText(path: string): Promise<string>
  readBytes(path: string): Promise<Uint8Array>
  /** Makes the file or replaces what is in it. Can be cut short. */
  write(path: string, data: string | Uint8Array): Promise<void>
  /** To a file that is there. Can be cut short. */
  append(path: string, text: string): Promise<void>
  /** Whole or not at all, to a name that nothing has. */
  rename(from: string, to: string): Promise<void>
  /** Harmless when it is not there. */
  remove(path: string): Promise<void>
}

/** Small texts under names, each replaced whole or not at all. */
export interface HostKeys {
  get(key: string): string | undefined
  set(key: string, text: string): void
  remove(key: string): void
}

export interface HostSocket {
  /** `sent` when it has left the mini program, or never will. */
  send(frame: string, sent: () => void): void
  close(): void
}

export interface HostSocketListener {
  opened(): void
  received(data: unknown): void
  /** May be told more than once. */
  closed(reason: { code: number; words: string }): void
}

/** What hosts tell of the app and its network, by the same names everywhere. */
export interface HostEvents {
  onAppShow(listener: () => void): void
  offAppShow(listener: () => void): void
  onAppHide(listener: () => void): void
  offAppHide(listener: () => void): void
  onNetworkStatusChange(listener: (state: { isConnected: boolean }) => void): void
  offNetworkStatusChange(listener: () => void): void
}

export function hostEvents(host: HostEvents): Pick<Host, 'onShow' | 'onHide' | 'onNetwork'> {
  return {
    onShow(listener) {
      host.onAppShow(listener)
      return () => host.offAppShow(listener)
    },
    onHide(listener) {
      host.onAppHide(listener)
      return () => host.offAppHide(listener)
    },
    onNetwork(listener) {
      const changed = ({ isConnected }: { isConnected: boolean }) => listener(isConnected)
      host.onNetworkStatusChange(changed)
      return () => host.offNetworkStatusChange(changed as () => void)
    },
  }
}

/** How functions of hosts answer. */
export interface Answer<Result = unknown> {
  success(result: Result): void
  fail(error: unknown): void
}

/** A function of the host that answers by `success` or `fail`, as a promise. */
export function asked<Result>(ask: (answer: Answer<Result>) => unknown): Promise<Result> {
  return new Promise((success, fail) => void ask({ success, fail }))
}

/** What a host says of a failure. */
export function hostWords(thrown: unknown): string {
  if (typeof thrown !== 'object' || thrown === null) return String(thrown)
  const { errMsg, errorMessage, message } = thrown as Record<string, unknown>
  return String(errMsg ?? errorMessage ?? message ?? 'unknown')
}
