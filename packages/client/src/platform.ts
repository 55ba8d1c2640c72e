import type { Clock, RandomBytes } from '@nearcloud/protocol'
import type { Storage } from '@nearcloud/store'
import type { Host, HostParts, InPieces, TextRuntime, Transport } from '@nearcloud/sync'
import type { HostStorage } from './storage.ts'

/**
 * How a storage is opened. `own` (default): STORE_IN_USE when another one has it. `takeOver`: it is this one's from then on, and
 * whoever had it can write no more: the append is refused with STORE_IN_USE. `read`: it may be another's meanwhile.
 */
export type Access = 'own' | 'takeOver' | 'read'

/**
 * What a host gives the client: everything that is not ECMAScript. `testing/platform-suite.ts` checks implementations.
 */
export interface Platform {
  /** `browser`, `node`, `wx`, `my`, `memory`. */
  readonly name: string
  /** The server's address when `init` names none. */
  readonly defaultEndpoint?: string
  readonly clock: Clock
  readonly random: RandomBytes
  /** The storage with this name (letters, digits, `-`, `_`, `.`); not opened yet. */
  storage(name: string, access?: Access): Storage
  /** Frames to a `ws:` or `wss:` address. */
  transport(url: string): Transport
  /** One HTTP exchange. Rejects with OFFLINE when there was no answer; any status resolves. */
  request(request: HttpRequest): Promise<HttpResponse>
  /** Reads UTF-8. Absent: a slower one of our own does. */
  decodeText?(bytes: Uint8Array): string
  /** The bytes behind what an app passes as a file (a path, a File, bytes) and, where known, its type. */
  readFile(file: unknown): Promise<{ bytes: Uint8Array; contentType?: string }>
  /** Puts bytes where the app can show or open them (a temporary path, a blob: URL). */
  saveTemporary(bytes: Uint8Array, options: { name: string; contentType: string }): Promise<string>
  /** Other tabs share the conversation with the server. Absent: nobody does. */
  host?(parts: HostParts): Host
  /**
   * All of the code is on the device. Absent: what is loaded apart and is of use without a network is fetched as soon as a store is open.
   */
  readonly isWhole?: boolean
  /** Brings what editing texts needs (`@nearcloud/text/client`), when the first one is there. Absent: there are no texts. */
  text?(): Promise<TextRuntime>
  /**
   * A ticket for one sign-in as whom the host knows to use the device. Rejects with OFFLINE, and with INVALID_PARAM where the server
   * does not do that. Absent: nobody is known before somebody signs in.
   */
  ticket?(server: { readonly endpoint: string; readonly env: string }): Promise<string>
  /** What the host says of everything this app keeps in it. Absent: nothing. */
  storageState?(): Promise<HostStorage>
  /** Asks the host to keep it for good. */
  persistStorage?(): Promise<boolean>
  /** Lets the host do something else, and goes on soon: long work on a store has pauses. Absent: it has none. */
  pause?(): Promise<void>
  /** What comes from the server, and what watches are told, is done in pieces with pauses as well. Absent: at once. */
  readonly inPieces?: InPieces
  /** Hints of the host: `online` when it is worth trying now, `offline` when it surely is not. Returns the way to stop. */
  onConnectivity?(listener: (state: 'online' | 'offline') => void): () => void
}

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'HEAD' | 'DELETE'
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array | string
  readonly timeoutMs: number
  /** Of the answer's body, unpacked: more is no answer. Hosts that cannot count while they unpack count afterwards. */
  readonly mostBytes?: number
  /** Bytes sent so far, for progress. */
  onSent?(bytes: number): void
}

export interface HttpResponse {
  readonly status: number
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}
