import type { Value } from '@nearcloud/protocol'
import { fieldOf, hasOwn, segmentsOf } from '../../paths.ts'

/**
 * What a path of an expression names, read from a value: through arrays it gives a list of what their elements have there,
 * without the missing; arrays among the elements have nothing. No part of it is an index; a number only names a field.
 */
export function compilePath(path: string): (value: Value | undefined) => Value | undefined {
  const segments = segmentsOf(path)
  if (segments.length === 0) return value => value
  const first = segments[0]!
  if (segments.length === 1)
    return value => (Array.isArray(value) ? follow(value, segments, 0) : readField(value, first))
  return value => follow(value, segments, 0)
}

function follow(value: Value | undefined, segments: readonly string[], from: number): Value | undefined {
  let reached = value
  for (let i = from; i < segments.length; i++) {
    if (Array.isArray(reached)) return followEach(reached as readonly Value[], segments, i)
    reached = readField(reached, segments[i]!)
    if (reached === undefined) return undefined
  }
  return reached
}

function followEach(list: readonly Value[], segments: readonly string[], from: number): Value {
  const found: Value[] = []
  for (const element of list) {
    const value = Array.isArray(element) ? undefined : follow(element, segments, from)
    if (value !== undefined) found.push(value)
  }
  return Object.freeze(found)
}

/** A field of what is no array. */
function readField(value: Value | undefined, key: string): Value | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return fieldOf(value, key)
  return hasOwn(value, key) ? (value as { readonly [key: string]: Value })[key] : undefined
}
