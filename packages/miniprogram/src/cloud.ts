import {
  type CallFunctionOptions,
  type CallFunctionResult,
  type Cloud,
  createCloud,
  type DatabaseWish,
  type DeletedFile,
  type DeleteOptions,
  type DialectMaker,
  type FileListResult,
  type InitOptions,
  type Platform,
  type TempFileURL,
  type UrlOptions,
  type WithCallback,
} from '@nearcloud/client'
import { type Clock, CloudError } from '@nearcloud/protocol'
import type { Callbacks, Database } from '@nearcloud/query'
import { type Bindable, type Binding, type BindOptions, type BoundPage, bind } from './bind.ts'
import type { Host } from './host.ts'
import { miniPlatform } from './platform.ts'
import { hostClock } from './timers.ts'
import type { Tunnel } from './tunnel.ts'

export interface MiniInitOptions extends InitOptions {
  /** Carries requests, for who has no registered domain. There are no sockets in it, so it needs no `endpoint`. */
  readonly tunnel?: Tunnel
  /**
   * `host` (default): who uses WeChat is the user, where the server has an `appId` to ask WeChat with; `none`: anonymous until the
   * app signs somebody in.
   */
  readonly login?: 'host' | 'none'
}

/** The original's database object. */
export interface MiniDatabase extends Database {
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
  database(options?: DatabaseWish): MiniDatabase
  callFunction(options: CallFunctionOptions & Callbacks<MiniCallResult> & WithCallback): undefined
  callFunction(options: CallFunctionOptions): Promise<MiniCallResult>
  getTempFileURL(options: UrlOptions & Callbacks<FileList<TempFileURL>> & WithCallback): undefined
  getTempFileURL(options: UrlOptions): Promise<FileList<TempFileURL>>
  deleteFile(options: DeleteOptions & Callbacks<FileList<DeletedFile>> & WithCallback): undefined
  deleteFile(options: DeleteOptions): Promise<FileList<DeletedFile>>
  /** Makes this the `cloud` of the host's object. Throws INVALID_PARAM where the host keeps its own. */
  install(host: object): void
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
  let tunnel: Tunnel | undefined
  let isLoginWanted = true
  let platform: Platform | undefined
  const found = () => {
    platform ??= miniPlatform(findHost(), {
      clock,
      isLoginWanted: () => isLoginWanted,
      request: () => tunnel && (each => tunnel!.request(each)),
    })
    return platform
  }
  const client = createCloud(latePlatform(found, clock))

  const mini: MiniCloud = {
    ...(client as unknown as MiniCloud),

    init({ tunnel: given, login = 'host', ...options } = {}) {
      found()
      if (login !== 'host' && login !== 'none')
        throw new CloudError('INVALID_PARAM', { errMsg: 'init:fail login is one of host, none' })
      tunnel = given
      isLoginWanted = login === 'host'
      client.init(given ? { endpoint: throughTunnel, transport: 'polling', ...options } : options)
    },

    database(options?: DatabaseWish & { readonly as?: DialectMaker<unknown> }) {
      const database = client.database(options) as Database
      if (options?.as) return database as never
      const config = Object.freeze(options?.env === undefined ? {} : { env: options.env })
      return Object.freeze({ ...database, config }) as never
    },

    install(host) {
      try {
        Object.defineProperty(host, 'cloud', { value: mini, configurable: true, enumerable: true })
      } catch {
        // looked at below
      }
      if ((host as { cloud?: unknown }).cloud !== mini)
        throw new CloudError('INVALID_PARAM', {
          errMsg:
            "install:fail this host keeps its own cloud object: say import cloud from '@nearcloud/miniprogram', and cloud where it said wx.cloud",
        })
    },

    bind: (page, bindables, options = {}) =>
      bind(page, bindables, options, listener => client.on('userChanged', listener)),

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

/** A platform that is looked for when it is first used. */
function latePlatform(find: () => Platform, clock: Clock): Platform {
  return {
    get name() {
      return find().name
    },
    clock,
    random: size => find().random(size),
    storage: name => find().storage(name),
    transport: url => find().transport(url),
    request: request => find().request(request),
    readFile: file => find().readFile(file),
    saveTemporary: (bytes, options) => find().saveTemporary(bytes, options),
    ticket: server => find().ticket!(server),
    onConnectivity: listener => find().onConnectivity!(listener),
  }
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

/** Never resolved: the tunnel takes the path. */
const throughTunnel = 'https://tunnel.invalid'
