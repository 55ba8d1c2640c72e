import type {
  Clock,
  CloudError,
  DocId,
  FilesAsk,
  Millis,
  Mutation,
  MutationId,
  RandomBytes,
  Value,
  Version,
  Write,
} from '@nearcloud/protocol'
import type { ClientExecutor, Committed, Following, FollowOptions, Progress, Query } from '@nearcloud/query'
import type { Store } from '@nearcloud/store'
import type { Divergence } from './checks.ts'
import type { CacheLimits } from './eviction.ts'
import type { InPieces } from './in-pieces.ts'
import type { LinkState } from './link.ts'
import type { PartsOptions } from './parts.ts'
import type { Hold } from './push.ts'
import type { OpenPresence } from './rooms/presence.ts'
import type { Guest, Host, HostParts } from './tabs/host.ts'
import type { Down } from './tabs/messages.ts'
import type { TextRuntime } from './texts/text-runtime.ts'
import type { Transport } from './transport.ts'

export interface SyncOptions {
  /** Stays the caller's: close it after `stop`. */
  readonly store: Store
  readonly transport: Transport
  readonly clock: Clock
  readonly random: RandomBytes
  /** The environment, by name. */
  readonly env: string
  /** Somebody signed in by name, and the store has a token: one that is refused is waited for anew (`signInAgain`). */
  readonly isNamed?: boolean
  /** How long a query stays in step after the last one who wanted it. Default 60 s. */
  readonly warmMs?: Millis
  /** How much is kept of what nobody follows any more. */
  readonly cache?: CacheLimits
  /** How parts of large first results are fetched. Absent: they come by the transport. */
  readonly parts?: PartsOptions
  /** The host wants its turn every few milliseconds. Absent: what comes at once is done at once. */
  readonly inPieces?: InPieces
  /** How often one followed query is compared with the server's, about. Default five minutes. */
  readonly checkMs?: Millis
  /** Other tabs share this conversation (`join`). */
  readonly host?: ((parts: HostParts) => Host) | undefined
  /** Brings what texts need, when the first one is there. Absent: there are none to edit here. */
  readonly text?: (() => Promise<TextRuntime>) | undefined
  /**
   * Whether a mutation, by the text it is sent as, has to wait, and with it what was made after it: until `release`, or until
   * it is refused. What was sent already is not looked at.
   */
  readonly isHeld?: Hold
  /** A query of which fewer documents are here is fetched, not compared. Default 16. */
  readonly compareFrom?: number
}

/** Keeps a store in step with the server, and answers for both. */
export interface Sync {
  /** Local first: see `LocalFirstExecutor`. */
  readonly executor: ClientExecutor
  readonly state: LinkState
  /** Who the server says we are; undefined before it first did. */
  readonly openid: string | undefined
  /** A short-lived bearer token for HTTP requests; undefined while there was no welcome. */
  readonly access: string | undefined
  /** Why nothing is sent or heard until `signInAgain`; what is written is kept. Only of users with a name. */
  readonly signInNeeded: CloudError | undefined
  start(): void
  /**
   * Ends the conversation; resolves when nothing is written any more. Who waits for the server's word gets CLOSED, and
   * `isKept` (default true) says whether the store stays.
   */
  stop(options?: { readonly isKept?: boolean }): Promise<void>
  /** Stays without a connection until `goOnline`. */
  goOffline(): void
  goOnline(): void
  /** A hint that a connection can be had now. */
  wake(): void
  /** A hint that the connection is dead. */
  doubt(): void
  /**
   * Commits these writes in the place of a rejected mutation, named by its nonce, which leaves the store's rejected: both or
   * neither. Rejects with INVALID_PARAM when there is none, and as a commit.
   */
  retry(nonce: string, writes: readonly Write[], wait?: 'server'): Promise<Committed>
  /** Keeps a query in step until `close`; a refusal is an `error` event, too. */
  subscribe(query: Query, options?: FollowOptions): Following
  /** Comes into a room, whenever there is a conversation, until `presence` is closed. */
  enter(presence: OpenPresence): void
  /** Followed queries whose documents are not all here; refused ones are not among them. */
  readonly arriving: readonly Arriving[]
  /** Runs a cloud function after the writes made before. Rejects with OFFLINE, SERVER_TIMEOUT, the server's error. */
  call(name: string, data: Value): Promise<Value>
  /** As `call`. */
  files(ask: FilesAsk): Promise<Value>
  /** Goes on with a new token of the same user. */
  signInAgain(token: string): Promise<void>
  /**
   * Gives this user, who signed in by name, what the anonymous user of this session token owns on the server. Asked again it
   * gets the same answer. Rejects with OFFLINE, SERVER_TIMEOUT, the server's error.
   */
  merge(token: string): Promise<{ readonly documents: number; readonly left: number }>
  /**
   * Nothing waits to be sent, every subscription is complete, and whatever the server had committed when this was
   * called is here. Waits while offline.
   */
  whenSynced(): Promise<void>
  /** Shares this conversation and the store with another tab, which hears by `send`. Only with `host`. */
  join(send: (message: Down) => void): Guest
  /** Returns the way to stop. */
  on<Name extends keyof SyncEvents>(name: Name, listener: (detail: SyncEvents[Name]) => void): () => void
}

/** That of this very process, which may hold mutations back. */
export interface HoldingSync extends Sync {
  /** `isHeld` may say something else by now. */
  release(): void
  /**
   * Rejects the held mutations that `isConcerned` knows, as the server would: with this error, and the numbers behind them are
   * given again. Resolves when that is durable; rejects with OFFLINE when the conversation ends before, or there is none.
   */
  refuse(isConcerned: Hold, error: CloudError): Promise<void>
}

/** What can be asked of the conversation itself. */
export interface OwnSync extends HoldingSync {
  /** Nothing the server says takes effect while the task runs. Not done where there is no conversation. */
  between(task: () => Promise<void>): void
  /** Sends what may go by now. True when everything the server had committed by now is here; false when there is no conversation, or it ends. */
  caughtUp(): Promise<boolean>
}

/** A followed query whose first documents are on their way. */
export interface Arriving extends Omit<Progress, 'total'> {
  readonly query: Query
  /** Undefined before the first of them came. */
  readonly total: number | undefined
}

/** What is known of it; told again when the process ends before it is put right. */
export interface HistoryLost {
  /** The version this copy had reached, and the last one that the server still has of the same history. */
  readonly version: Version
  readonly common: Version
  /** Writes of this device that had been decided, and of which the server knows nothing. They are not sent again. */
  readonly mutations: number
  /** Documents that were here as the server does not have them any more: how many, and the first hundred. */
  readonly count: number
  readonly documents: readonly { readonly collection: string; readonly id: DocId }[]
}

export interface SyncEvents {
  /** A mutation is durable here. */
  pending: { readonly mutation: Mutation }
  /** The server executed a mutation, and its effect is here. `superseded`: assignments a newer edit had overtaken. */
  accepted: { readonly id: MutationId; readonly version: Version; readonly superseded: readonly string[] }
  /** The server refused a mutation: its effect is taken back, and it is kept among the store's rejected. */
  rejected: {
    readonly id: MutationId
    readonly code: string
    readonly reason: string
    readonly details: Readonly<Record<string, unknown>>
    /** By the server's clock. */
    readonly time: Millis
    readonly mutation: Mutation
  }
  online: { readonly openid: string }
  offline: Readonly<Record<string, never>>
  /** This user's token is refused (`reason`: `expired`, `invalid`, `deleted`): all is kept, and nothing sent, until a new one. */
  signInNeeded: { readonly reason: string; readonly error: CloudError }
  /** Some of a followed query's first documents came. */
  progress: Progress & { readonly query: Query }
  /** Documents that nobody follows any more were dropped from this device. */
  evicted: { readonly collection: string; readonly count: number }
  /** A followed query was not here as it is on the server, and is brought anew. */
  diverged: Divergence
  /** The server was set back to an earlier day: what it had told since is gone there, and here as soon as it says so. */
  historyLost: HistoryLost
  /**
   * This store is an older state of itself, or a copy of another: the server has decided `mutations` in its name that it does not
   * know. What they did comes from the server; what was written here since, and had not been sent, is gone.
   */
  storageSetBack: { readonly mutations: number }
  /** Something went wrong that no caller is told. */
  error: CloudError
}
