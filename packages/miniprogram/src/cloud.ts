import type {
  CallFunctionOptions,
  CallFunctionResult,
  Cloud,
  DatabaseWish,
  DeletedFile,
  DeleteOptions,
  DialectMaker,
  FileListResult,
  TempFileURL,
  UrlOptions,
  WithCallback,
} from '@nearcloud/client'
import { type Clock, CloudError } from '@nearcloud/protocol'
import type { Callbacks, Database } from '@nearcloud/query'
import type { Bindable, Binding, BindOptions, BoundPage } from './bind.ts'
import type { Host } from './host.ts'
import { hostedClient, type MiniInitOptions } from './hosted-client.ts'
import { hostClock } from './timers.ts'

/** The original's database object. */
export interface MiniDatabase<Missing = never> extends Database<Missing> {
  readonly config: { readonly env?: string }
}

export interface MiniCallResult extends Omit<CallFunctionResult, 'result'> {
  /** What the function returned. */
  // biome-ignore lint/suspicious/noExplicitAny: the original's public types say so, and apps read its fields
  readonly result: any
}

interface FileList<Item> extends Omit<FileListResult<Item>, 'fileList'> {
  readonly fileList: Item[]
}

/**
 * The cloud object of a mini program: the original's `wx.cloud`, with a local store underneath. It is there before a host is, and
 * looks for one when `init` is called.
 */
export interface MiniCloud
  extends Omit<Cloud, 'init' | 'database' | 'callFunction' | 'getTempFileURL' | 'deleteFile'> {
  /** Throws INVALID_PARAM, also where no mini program is. */
  init(options?: MiniInitOptions): void
  database<Dialect>(options: DatabaseWish & { readonly as: DialectMaker<Dialect> }): Dialect
  database(options: DatabaseWish & { readonly throwOnNotFound: false }): MiniDatabase<null>
  database(options?: DatabaseWish): MiniDatabase
  callFunction(options: CallFunctionOptions & Callbacks<MiniCallResult> & WithCallback): undefined
  callFunction(options: CallFunctionOptions): Promise<MiniCallResult>
  getTempFileURL(options: UrlOptions & Callbacks<FileList<TempFileURL>> & WithCallback): undefined
  getTempFileURL(options: UrlOptions): Promise<FileList<TempFileURL>>
  deleteFile(options: DeleteOptions & Callbacks<FileList<DeletedFile>> & WithCallback): undefined
  deleteFile(options: DeleteOptions): Promise<FileList<DeletedFile>>
  /**
   * Makes this the `cloud` of the host's object. `options`: what `init` takes where the code that calls it does not say it, as the
   * `endpoint` in existing code. Throws INVALID_PARAM where the host keeps its own.
   */
  install(host: object, options?: MiniInitOptions): void
  /** Keeps data of a page in step with queries and documents, until the page goes or it is closed. */
  bind(page: BoundPage, bindables: Readonly<Record<string, Bindable>>, options?: BindOptions): Binding
  /** What only WeChat's own servers can do. It throws, or rejects, with INVALID_PARAM that says so. */
  readonly CloudID: Refused
  readonly CDN: Refused
  readonly callContainer: () => Promise<never>
  readonly connectContainer: () => Promise<never>
  readonly services: { readonly Gateway: () => never }
  readonly extend: { readonly AI: never }
}

interface Refused {
  new (given: unknown): never
  (given: unknown): never
}

/** A cloud object on the host that `findHost` finds. `clock` is for tests. */
export function createMiniCloud(findHost: () => Host, clock: Clock = hostClock): MiniCloud {
  const { client, init, install, bind } = hostedClient(findHost, clock)
  const mini: MiniCloud = {
    ...(client as unknown as MiniCloud),

    init,
    bind,

    database(options?: DatabaseWish & { readonly as?: DialectMaker<unknown> }) {
      const database = client.database(options) as Database
      if (options?.as) return database as never
      const config = Object.freeze(options?.env === undefined ? {} : { env: options.env })
      return Object.freeze({ ...database, config }) as never
    },

    install: (host, options) => install(host, mini, options),

    CloudID: refusedConstructor('CloudID'),
    CDN: refusedConstructor('CDN'),
    callContainer: async () => refuse('callContainer'),
    connectContainer: async () => refuse('connectContainer'),
    services: Object.freeze({ Gateway: () => refuse('services.Gateway') }),
    extend: Object.freeze({
      get AI() {
        return refuse('extend.AI')
      },
    }),
  }
  return Object.freeze(mini)
}

function refusedConstructor(name: string): Refused {
  return function refused() {
    return refuse(name)
  } as unknown as Refused
}

function refuse(name: string): never {
  throw new CloudError('INVALID_PARAM', {
    errMsg: `${name}:fail it is WeChat's own, and needs its servers: use the original wx.cloud for it, or a cloud function`,
  })
}
