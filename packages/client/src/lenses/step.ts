import { CloudError, hasOwn, isPlainObject, type PathChange, type Value } from '@nearcloud/protocol'
import type { Filter, Test } from '@nearcloud/query'

export type Fields = { readonly [key: string]: Value }

/**
 * One difference between two shapes of a document, the older and the newer.
 *
 * Laws. `down(up(doc), doc)` is `doc`. A filter, an order or a change that is given back means of the older document exactly
 * what it means of the newer one; `undefined`: that cannot be said without the document. What names a field that the newer
 * shape does not have throws INVALID_PARAM. Nothing given is modified, what is given back is frozen.
 */
export interface Step {
  /** It hides something, which a new value of the whole document has to keep. */
  readonly isHiding: boolean
  /** A field that older apps alone write. */
  readonly hidden?: Place
  up(doc: Fields, misfit: Misfit): Fields
  /** `current`: the older document that is there. Throws INVALID_PARAM for what the older shape cannot hold. */
  down(data: Fields, current: Fields | undefined): Fields
  filter(path: string, test: Test): Filter | undefined
  order(path: string): string | undefined
  /** Where the value at the path is. */
  place(path: string): string | undefined
  /** The other way round. */
  newPlace(path: string): string
  change(change: PathChange, current: Fields | undefined): PathChange | undefined
}

/** A document does not fit: what is at the path is shown as it is, or not at all. */
export type Misfit = (path: string, reason: string, cause?: unknown) => void

/** A field: which, in which object. */
export interface Place {
  readonly path: string
  readonly parents: readonly string[]
  readonly key: string
}

export function placeOf(path: string): Place {
  const segments = path.split('.')
  return { path, parents: segments.slice(0, -1), key: segments.at(-1)! }
}

/** The field `key` beside another one. */
export function beside({ parents }: Place, key: string): Place {
  return { path: [...parents, key].join('.'), parents, key }
}

/** Is `path` the place or something in it? */
export function isWithin(path: string, place: Place): boolean {
  return path === place.path || path.startsWith(`${place.path}.`)
}

/** Is the place in what `path` names? */
export function isAround(path: string, { path: inner }: Place): boolean {
  return inner.startsWith(`${path}.`)
}

/** The object at `parents` changed. Where there is none nothing happens; a list on the way is a misfit. */
export function inside(
  fields: Fields,
  parents: readonly string[],
  change: (object: Fields) => Fields,
  misfit?: Misfit,
): Fields {
  const [first, ...rest] = parents
  if (first === undefined) return change(fields)
  const inner = hasOwn(fields, first) ? fields[first]! : null
  if (!isPlainObject(inner)) {
    if (Array.isArray(inner)) misfit?.(first, 'it is a list, and lenses do not reach into lists')
    return fields
  }
  const changed = inside(inner, rest, change, misfit)
  return changed === inner ? fields : Object.freeze({ ...fields, [first]: changed })
}

/** The object at `parents`, if it is one. */
export function objectAt(fields: Fields | undefined, parents: readonly string[]): Fields | undefined {
  let object: Value | undefined = fields
  for (const key of parents) {
    if (object === undefined || !isPlainObject(object) || !hasOwn(object, key)) return undefined
    object = object[key]
  }
  return object !== undefined && isPlainObject(object) ? object : undefined
}

export function without(object: Fields, ...keys: readonly string[]): Fields {
  if (!keys.some(key => hasOwn(object, key))) return object
  return Object.freeze(Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key))))
}

export function refuse(words: string, details: Readonly<Record<string, unknown>> = {}, cause?: unknown) {
  return new CloudError('INVALID_PARAM', { errMsg: `lenses: ${words}`, details, cause })
}

/** Of what names a field that older apps have and this one does not. */
export function gone(path: string, place: Place, now: string): CloudError {
  return refuse(`"${path}": this app has no field "${place.path}" (${now})`, { reason: 'lens', path })
}
