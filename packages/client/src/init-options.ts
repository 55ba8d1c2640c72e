import { CloudError } from '@nearcloud/protocol'
import { filterFrom, type Query } from '@nearcloud/query'

export interface InitOptions {
  /** The server's address, as in `http://127.0.0.1:8080`. Default: the host's, where it has one (a page's origin). */
  readonly endpoint?: string
  /** The environment, by name; the original's object form is accepted, its `database` counts. Default `default`. */
  readonly env?:
    | string
    | { readonly database?: string; readonly functions?: string; readonly storage?: string }
  /** Names the local store: letters, digits, `-` and `_`. Two stores on one device are two clients. Default `main`. */
  readonly store?: string
  /** What to keep in step for good: whole collections (`true`) or the documents a condition matches. */
  readonly subscribe?: Readonly<Record<string, unknown>>
  /** `relaxed` (default): a write survives the death of the app; `strict`: also power loss. */
  readonly durability?: 'relaxed' | 'strict'
  /** Of `get()`. Default: the original's 20 and 20. */
  readonly queryLimits?: { readonly default: number; readonly max: number }
  /** Does `doc(id).get()` reject when there is no such document? Default true. */
  readonly throwOnNotFound?: boolean
  /** Accepted for the original's sake; has no effect. */
  readonly traceUser?: boolean
}

/** Options that were looked at. */
export interface Setting {
  /** Without a slash at the end. */
  readonly endpoint: string
  readonly socketUrl: string
  readonly env: string
  readonly storeName: string
  readonly subscribe: readonly Query[]
  readonly durability: 'relaxed' | 'strict'
  /** Absent: each dialect's own. */
  readonly queryLimits?: { readonly default: number; readonly max: number }
  readonly throwOnNotFound: boolean
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
  return {
    endpoint,
    socketUrl: `${endpoint.replace(/^http/, 'ws')}/sync`,
    env: env ?? 'default',
    storeName: `${env ?? 'default'}.${store}`,
    subscribe: Object.keys(options.subscribe ?? {}).map(name => followed(name, options.subscribe?.[name])),
    durability: options.durability === 'strict' ? 'strict' : 'relaxed',
    ...(options.queryLimits && { queryLimits: { default: usual, max } }),
    throwOnNotFound: options.throwOnNotFound ?? true,
  }
}

/** The query that a collection and a condition (true: everything) mean. */
export function followed(collection: string, condition: unknown): Query {
  return { collection, where: filterFrom(condition === true ? {} : condition), orderBy: [], skip: 0 }
}

function refuse(words: string): CloudError {
  return new CloudError('INVALID_PARAM', { errMsg: `init:fail ${words}` })
}
