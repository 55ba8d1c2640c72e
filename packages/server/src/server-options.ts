import type { Clock, RandomBytes, Value } from '@nearcloud/protocol'
import type { Executor } from '@nearcloud/query'
import type { TransactionalDatabase } from '@nearcloud/query/transactions'
import type { Actor } from './actor.ts'
import type { AlipayOptions } from './auth/alipay.ts'
import type { CustomLoginKey } from './auth/custom-login.ts'
import type { IssuerOptions } from './auth/issuers/issuers.ts'
import type { PasswordOptions } from './auth/passwords/accounts.ts'
import type { UserAdmin } from './auth/user-admin.ts'
import type { WechatOptions } from './auth/wechat.ts'
import type { BackupFacts } from './backup/back-up.ts'
import type { BackupProgress } from './backup/copying.ts'
import type { HistoryLimits } from './engine/keep-history-short.ts'
import type { FileQuota } from './files/usage.ts'
import type { Isolation } from './functions/jail/isolation.ts'
import type { DoorkeeperOptions } from './http/doorkeeper.ts'
import type { PollLimits } from './http/poll-routes.ts'
import type { RateOptions } from './http/rates.ts'
import type { Log } from './log-line.ts'
import type { SdkKey } from './official/signing/sdk-keys.ts'
import type { OpenapiOutbox } from './openapi/outbox.ts'
import type { MetricsAddress } from './operator/metrics-routes.ts'
import type { Judge } from './rules/judge.ts'
import type { SessionLimits } from './session/session.ts'
import type { SendOptions } from './triggers/queues/jobs.ts'
import type { TriggerAdmin } from './triggers/triggers.ts'

export interface ServerOptions {
  /** Everything the server keeps is in here; made when it is missing. */
  readonly dataFolder: string
  /** Where to listen. Default: this machine only. */
  readonly host?: string
  /** 0, the default: the port of the last time if it is free, or any free one. */
  readonly port?: number
  /** The folder with `rules.json` and `cloudfunctions/`; without one there are the default rules and no functions. */
  readonly project?: string
  /** A folder to serve at `/`. */
  readonly site?: string
  /** Headers of everything that is served from there, as `content-security-policy`. */
  readonly siteHeaders?: Readonly<Record<string, string>>
  /** The environment's name. Default: `default`. */
  readonly env?: string
  readonly log?: Log
  readonly clock?: Clock
  readonly random?: RandomBytes
  /** Judges instead of the project's rules. */
  readonly judge?: Judge
  readonly limits?: Partial<SessionLimits>
  /** Which web pages may talk to the server, and how many who said nothing yet. */
  readonly door?: DoorkeeperOptions
  /** Proxies before the server, by address or network (`10.0.0.0/8`): their `x-forwarded-for` counts, and nobody else's. */
  readonly trustedProxies?: readonly string[]
  /** How often one address, one user and one caller of a function may ask. */
  readonly rates?: RateOptions
  /** Of conversations over HTTP requests. */
  readonly poll?: Partial<PollLimits>
  /** The mini program whose users sign in by `wx.login`, and that functions call the WeChat API as; absent: what they say is in `outbox`. */
  readonly wechat?: WechatOptions
  /** The mini program whose users sign in by `my.getAuthCode`. */
  readonly alipay?: AlipayOptions
  /** Whose tokens (JWT) let users in: OpenID providers, or services of one's own. */
  readonly issuers?: readonly IssuerOptions[]
  /** Whose tickets in the original's form (`createTicket` of `@cloudbase/node-sdk` with a private key) let users in. */
  readonly customLogin?: readonly CustomLoginKey[]
  /** How much functions are kept from; the most that the machine offers, unless told. */
  readonly isolation?: Isolation
  /** A debugger may look into this function, at this port of the machine (0: any); its process is started at once. */
  readonly inspect?: { readonly function: string; readonly port: number }
  /** Of who signs in by a name and a password. */
  readonly passwords?: PasswordOptions
  /** How much of the past is kept. */
  readonly history?: HistoryLimits
  /** Where metrics and health are told to whoever can connect there, besides `/metrics` for who has a token. */
  readonly metrics?: MetricsAddress
  /** Where files are fetched, an origin like `https://files.example` that leads to this server too. Default: where everything else is. */
  readonly filesOrigin?: string
  /** How much there may be of files. */
  readonly files?: FileQuota
}

/** A server that runs. */
export interface NearcloudServer {
  /** Where clients find it: `http://127.0.0.1:4321`. */
  readonly url: string
  readonly port: number
  /** Of `ServerOptions.metrics`. */
  readonly metricsPort?: number
  readonly env: string
  readonly dataFolder: string
  /** What `wx-server-sdk` and `@cloudbase/node-sdk` are initialised with: `cloud.init({ env, ...server.sdk })`. Gives all rights. */
  readonly sdk: SdkKey & { readonly serviceUrl: string }
  /** Tickets for signing in, accounts with passwords, and the end of users. */
  readonly users: UserAdmin
  /** The database with all rights, for the operator's own code. */
  database(): TransactionalDatabase
  executorFor(actor: Actor): Executor
  /** Runs a cloud function as the operator, or as a user; rejects as `callFunction` of a client does. */
  callFunction(call: { name: string; data?: object; openid?: string }): Promise<{ result: unknown }>
  /** Timers and when they run, and events that were given up. */
  readonly triggers: TriggerAdmin
  /** What functions said to `cloud.openapi` while there were no credentials. */
  readonly outbox: Pick<OpenapiOutbox, 'list' | 'clear'>
  /** The queue of that name: resolves with the message's id when it is durable. */
  queue(name: string): { send(data: Value, options?: SendOptions): Promise<string> }
  /** Copies what there is at one moment to a new folder, while the server goes on: see `backUp`. */
  backup(to: string, progress?: (progress: BackupProgress) => void): Promise<BackupFacts>
  /** Sends clients away, decides what was asked, closes everything. Calling it again waits for the same end. */
  stop(): Promise<void>
}
