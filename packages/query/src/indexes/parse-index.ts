import type { IndexDefinition } from '../types.ts'

/** What `createIndex` is given. */
export interface IndexWish {
  readonly keys: { readonly [path: string]: 1 | -1 | '2dsphere' }
  /** Default: the keys, as in `userId_1_createTime_-1`. */
  readonly name?: string
  readonly unique?: boolean
  readonly expireAfterSeconds?: number
}

/** What `createIndex` was given: `{ keys, name?, unique?, expireAfterSeconds? }`. Throws INVALID_PARAM. */
export function indexFrom(_given: unknown): IndexDefinition {
  throw new Error('not yet')
}

/** The definition a stranger's tree means. Throws INVALID_PARAM. */
export function parseIndex(_tree: unknown): IndexDefinition {
  throw new Error('not yet')
}
