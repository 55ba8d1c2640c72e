import { asRecord, refuse, shown } from '../parse/shapes.ts'
import { checkPath } from '../paths.ts'
import type { IndexDefinition } from '../types.ts'

/** What `createIndex` is given. */
export interface IndexWish {
  readonly keys: { readonly [path: string]: 1 | -1 | '2dsphere' }
  /** Default: the keys, as in `userId_1_createTime_-1`. */
  readonly name?: string
  readonly unique?: boolean
  readonly expireAfterSeconds?: number
}

/**
 * What `createIndex` was given: `{ keys, name?, unique?, expireAfterSeconds? }`, with or without callbacks. Throws
 * INVALID_PARAM.
 */
export function indexFrom(given: unknown): IndexDefinition {
  const wish = asRecord(given, 'what createIndex is given', [...wishes, 'success', 'fail', 'complete'])
  const keys = keysOf(Object.entries(asRecord(wish.keys, '"keys" of an index')))
  const name = wish.name === undefined ? keys.flat().join('_') : wish.name
  if (wish.name === undefined && !nameForm.test(name as string))
    throw refuse(`${nameRule}; the one made of the keys is not: give "name"`)
  return definitionOf({ ...wish, keys, name })
}

/** The definition a stranger's tree means. Throws INVALID_PARAM. */
export function parseIndex(tree: unknown): IndexDefinition {
  return definitionOf(asRecord(tree, 'an index', wishes))
}

function definitionOf({
  keys: given,
  name,
  unique,
  expireAfterSeconds,
}: Record<string, unknown>): IndexDefinition {
  const keys = keysOf(given)
  if (typeof name !== 'string' || !nameForm.test(name)) throw refuse(nameRule)
  if (unique !== undefined && typeof unique !== 'boolean')
    throw refuse('"unique" of an index is true or false')
  const isOfPlaces = keys.some(([, kind]) => kind === '2dsphere')
  if (unique && isOfPlaces) throw refuse('an index with 2dsphere cannot be unique')
  if (expireAfterSeconds !== undefined) checkExpiry(expireAfterSeconds, keys)
  return Object.freeze({
    name,
    keys,
    unique: unique === true,
    ...(expireAfterSeconds !== undefined && { expireAfterSeconds: expireAfterSeconds as number }),
  })
}

function keysOf(given: unknown): IndexDefinition['keys'] {
  if (!Array.isArray(given) || given.length === 0 || given.length > mostPaths)
    throw refuse(`an index has 1 to ${mostPaths} paths in "keys"`)
  const keys = given.map((each: unknown) => {
    if (!Array.isArray(each) || each.length !== 2)
      throw refuse('a key of an index is a path and how it is sorted')
    const [path, kind] = each as unknown[]
    checkPath(path)
    if (kind !== 1 && kind !== -1 && kind !== '2dsphere')
      throw refuse(`key "${path}" of an index: 1, -1 or "2dsphere" is expected, not ${shown(kind)}`)
    return Object.freeze([path, kind] as const)
  })
  const paths = new Set(keys.map(([path]) => path))
  if (paths.size < keys.length) throw refuse('an index has each path once')
  if (keys.filter(([, kind]) => kind === '2dsphere').length > 1)
    throw refuse('an index has at most one path with 2dsphere')
  return Object.freeze(keys)
}

function checkExpiry(seconds: unknown, keys: IndexDefinition['keys']): void {
  if (typeof seconds !== 'number' || !Number.isFinite(seconds) || seconds < 0)
    throw refuse('"expireAfterSeconds" of an index is a number of seconds, 0 or more')
  const [[path, kind]] = keys as readonly [IndexDefinition['keys'][number]]
  if (keys.length > 1 || kind === '2dsphere' || path === '_id')
    throw refuse('documents expire by an index on one path, which is neither "_id" nor a place')
}

const wishes = ['keys', 'name', 'unique', 'expireAfterSeconds']
const mostPaths = 16
const nameForm = /^[\p{L}\p{M}\p{N}_.$-]{1,120}$/u
const nameRule = 'the name of an index is 1 to 120 letters, digits, "_", "-", "." or "$"'
