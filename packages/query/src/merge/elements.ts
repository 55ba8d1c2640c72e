import { type ElementName, elementNames, isPlainObject, type Value } from '@nearcloud/protocol'
import { equalityKey } from '../compare.ts'
import { fieldOf, isContainer } from '../paths.ts'
import { hashText } from './hash.ts'

/** What names an element of an array: its `_id`, `id` or `key`, when that is text or a number. */
export interface Identity {
  readonly by: Exclude<ElementName, ''>
  readonly value: string | number
}

export function identityOf(element: Value | undefined): Identity | undefined {
  if (!isContainer(element)) return undefined
  for (const by of elementNames) {
    const value = fieldOf(element, by)
    if (typeof value === 'string' || typeof value === 'number') return { by, value }
  }
  return undefined
}

export function isNamed(element: Value | undefined, { by, value }: Identity): boolean {
  return isContainer(element) && fieldOf(element, by) === value
}

/** Are both named, and not the same? */
export function areOthers(a: Value | undefined, b: Value | undefined): boolean {
  const [one, other] = [identityOf(a), identityOf(b)]
  return one !== undefined && other !== undefined && (one.by !== other.by || one.value !== other.value)
}

/** The hash a guard would have; undefined for an element that has nothing of that name. */
export function hashOf(element: Value, by: ElementName): string | undefined {
  if (by === '') return hashText(equalityKey(element instanceof Date ? element : undated(element)))
  const named = nameOf(element)
  return named?.by === by ? named.hash : undefined
}

/** Asked again and again of the same element, by each edit that waits; what is frozen has one answer. */
function nameOf(element: Value): Name | undefined {
  if (!isContainer(element)) return undefined
  const known = nameByElement.get(element)
  if (known) return known
  const identity = identityOf(element)
  if (!identity) return undefined
  const name = { by: identity.by, hash: hashText(equalityKey(identity.value)) }
  if (Object.isFrozen(element)) nameByElement.set(element, name)
  return name
}

interface Name {
  readonly by: ElementName
  readonly hash: string
}

const nameByElement = new WeakMap<object, Name>()

/** Without dates: a client shows an estimate of a server date, and the server writes another. */
function undated(value: Value): Value {
  if (value instanceof Date) return null
  if (Array.isArray(value)) return (value as readonly Value[]).map(undated)
  if (!isPlainObject(value)) return value
  const fields: { [key: string]: Value } = {}
  for (const key of Object.keys(value)) fields[key] = undated(value[key]!)
  return fields
}
