import { CloudError, checkCollectionName, toCloudError } from '@nearcloud/protocol'
import { filterFrom, type Priority, priorities, type Query } from '@nearcloud/query'
import type { OfflineFunctions } from './functions.ts'
import type { Lenses } from './lenses.ts'

export interface InitOptions {
  /** The server's address, as in `http://127.0.0.1:8080`. Default: the host's, where it has one (a page's origin). */
  readonly endpoint?: string
  /** The environment, by name; the original's object form is accepted, its `database` counts. Default `default`. */
  readonly env?:
    | string
    | { readonly database?: string; readonly functions?: string; readonly storage?: string }
  /** Names the local store: letters, digits, `-` and `_`. Two stores on one device are two clients. Default `main`. */
  readonly store?: string
  /**
   * What to keep in step for good: by collection, all of it (`true`) or what a condition matches; or a list, where there is
   * more to say.
   */
  readonly subscribe?: Readonly<Record<string, unknown>> | readonly SubscribeOption[]
  /** `relaxed` (default): a write survives the death of the app; `strict`: also power loss. */
  readonly durability?: 'relaxed' | 'strict'
  /**
   * How much is kept of what nobody follows any more: documents, and for how long. Default 10,000 and 30 days. What is
   * followed and what has unsent writes is always kept.
   */
  readonly cache?: { readonly maxDocuments?: number; readonly maxAgeMs?: number }
  /** Of `get()`. Default: the original's 20 and 20. */
  readonly queryLimits?: { readonly default: number; readonly max: number }
  /**
   * Does `doc(id).get()` reject when there is no such document? Default true. The type of `database()` does not know that it was false here;
   * that of `database({ throwOnNotFound: false })` does.
   */
  readonly throwOnNotFound?: boolean
  /**
   * How the server is reached. `auto` (default): by a WebSocket, and by HTTP requests where none can be had; `websocket` and
   * `polling`: by that alone.
   */
  readonly transport?: 'auto' | 'websocket' | 'polling'
  /**
   * How large first results come: `auto` (default) packed, over HTTP, where their size counts; `http`: always so; `socket`:
   * never.
   */
  readonly snapshots?: 'auto' | 'http' | 'socket'
  /** Functions that run here, too, at once: made by `offlineFunctions` of `@nearcloud/client/offline-functions`. */
  readonly functions?: OfflineFunctions
  /** Documents in the shape of this release, kept in the shape of the first: made by `lenses` of `@nearcloud/client/lenses`. */
  readonly lenses?: Lenses
  /** Accepted for the original's sake; has no effect. */
  readonly traceUser?: boolean
}

/** Something to keep in step for good. */
export interface SubscribeOption {
  readonly collection: string
  /** Absent: all of it. */
  readonly where?: object
  /** What arrives first. Default `normal`. */
  readonly priority?: Priority
}

/** Options that were looked at. */
export interface Setting {
  /** Without a slash at the end. */
  readonly endpoint: string
  readonly socketUrl: string
  readonly pollUrl: string
  readonly env: string
  readonly storeName: string
  readonly subscribe: readonly Wanted[]
  readonly cache: { readonly maxDocuments?: number; readonly maxAgeMs?: number }
  readonly durability: 'relaxed' | 'strict'
  /** Absent: each dialect's own. */
  readonly queryLimits?: { readonly default: number; readonly max: number }
  readonly throwOnNotFound: boolean
  readonly transport: 'auto' | 'websocket' | 'polling'
  readonly snapshots: 'auto' | 'http' | 'socket'
  readonly functions?: OfflineFunctions
  readonly lenses?: Lenses
}

/** Throws INVALID_PARAM that names the option. */
export function readInitOptions(options: InitOptions, defaultEndpoint: string | undefined): Setting {
  const address: unknown = options.endpoint ?? defaultEndpoint
  const endpoint = typeof address === 'string' ? address.replace(/\/+$/, '') : ''
  if (!/^https?:\/\/[^/\s]+/.test(endpoint))
    throw refuse('endpoint is the address of the nearcloud server, as in "http://127.0.0.1:8080"')
  const env = typeof options.env === 'object' ? options.env?.database : options.env
  const store = options.store ?? 'main'
  for (const [name, value] of [
    ['env', env ?? 'default'],
    ['store', store],
  ] as const)
    if (typeof value !== 'string' || !/^[\w-]{1,64}$/.test(value))
      throw refuse(`${name} is a name of at most 64 letters, digits, "-" and "_"`)
  const { default: usual, max } = options.queryLimits ?? { default: 20, max: 20 }
  if (!(Number.isSafeInteger(usual) && Number.isSafeInteger(max) && usual >= 1 && max >= usual))
    throw refuse('queryLimits are two whole numbers, default at least 1 and max at least default')
  const { maxDocuments, maxAgeMs } = options.cache ?? {}
  for (const limit of [maxDocuments, maxAgeMs])
    if (limit !== undefined && !(Number.isSafeInteger(limit) && limit >= 0))
      throw refuse('cache has whole numbers: maxDocuments, maxAgeMs')
  const transport = oneOf('transport', options.transport, 'auto', 'websocket', 'polling')
  const snapshots = oneOf('snapshots', options.snapshots, 'auto', 'http', 'socket')
  const durability = oneOf('durability', options.durability, 'relaxed', 'strict')
  const { lenses } = options
  if (lenses !== undefined && typeof lenses?.reading !== 'function')
    throw refuse('lenses are made by lenses()')
  const wanted = wantedBy(options.subscribe ?? {})
  return {
    endpoint,
    transport,
    snapshots,
    pollUrl: `${endpoint}/sync/poll`,
    socketUrl: `${endpoint.replace(/^http/, 'ws')}/sync`,
    env: env ?? 'default',
    storeName: `${env ?? 'default'}.${store}`,
    subscribe: lenses ? wanted.map(each => ({ ...each, query: lenses.reading(each.query) })) : wanted,
    cache: {
      ...(maxDocuments !== undefined && { maxDocuments }),
      ...(maxAgeMs !== undefined && { maxAgeMs }),
    },
    durability,
    ...(options.functions && { functions: options.functions }),
    ...(lenses && { lenses }),
    ...(options.queryLimits && { queryLimits: { default: usual, max } }),
    throwOnNotFound: options.throwOnNotFound ?? true,
  }
}

/** The first of the words is the default. */
function oneOf<Word extends string>(name: string, value: Word | undefined, ...words: Word[]): Word {
  const word = value ?? words[0]!
  if (!words.includes(word)) throw refuse(`${name} is one of ${words.join(', ')}`)
  return word
}

interface Wanted {
  readonly query: Query
  readonly priority: Priority
}

/** A condition is never a list, and what is in a list is never a condition. */
function wantedBy(subscribe: NonNullable<InitOptions['subscribe']>): readonly Wanted[] {
  if (!Array.isArray(subscribe))
    return Object.entries(subscribe).map(([name, condition]) => ({
      query: queryOf(name, condition),
      priority: 'normal',
    }))
  return subscribe.map((wanted: unknown) => {
    const { collection, where = true, priority = 'normal', ...others } = Object(wanted)
    const [surplus] = Object.keys(others)
    if (typeof collection !== 'string' || surplus !== undefined)
      throw refuse(
        surplus === undefined
          ? 'in a list, subscribe has objects with a collection, and perhaps where and priority'
          : `subscribe has no "${surplus}": only collection, where and priority`,
      )
    const urgency = oneOf(`the priority of ${collection}`, priority as Priority, ...priorities)
    return { query: queryOf(collection, where), priority: urgency }
  })
}

/** As `followed`; what is wrong is said of the option. */
function queryOf(collection: string, condition: unknown): Query {
  try {
    checkCollectionName(collection)
    return followed(collection, condition)
  } catch (thrown) {
    throw refuse(`subscribe to "${collection}": ${toCloudError(thrown).errMsg}`)
  }
}

/** The query that a collection and a condition (true: everything) mean. */
export function followed(collection: string, condition: unknown): Query {
  return { collection, where: filterFrom(condition === true ? {} : condition), orderBy: [], skip: 0 }
}

function refuse(words: string): CloudError {
  return new CloudError('INVALID_PARAM', { errMsg: `init:fail ${words}` })
}
