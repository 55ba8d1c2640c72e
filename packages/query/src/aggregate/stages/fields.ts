import { type DocumentData, geoFromJson, hasOwn, type Value } from '@nearcloud/protocol'
import { asFields, fieldOf, isContainer } from '../../paths.ts'

/** A value of these fields, as all of the house has it: frozen, and a geometry when it is written as one. */
export function objectOf(fields: { readonly [key: string]: Value }): Value {
  return geoFromJson(fields) ?? Object.freeze(fields)
}

/** What a path names, read through objects alone: an array on the way has no fields. */
export function valueThrough(document: Value, segments: readonly string[]): Value | undefined {
  let value: Value | undefined = document
  for (const segment of segments) {
    if (!isContainer(value)) return undefined
    value = fieldOf(value, segment)
  }
  return value
}

/** The document with a value at the path, or without one (`undefined`). What is no object on the way becomes one. */
export function withValue(
  document: DocumentData,
  segments: readonly string[],
  value: Value | undefined,
): DocumentData {
  return Object.freeze(changed(document, segments, 0, value))
}

function changed(
  container: Value | undefined,
  segments: readonly string[],
  at: number,
  value: Value | undefined,
): { [key: string]: Value } {
  const fields: { [key: string]: Value } = isContainer(container) ? { ...asFields(container) } : {}
  const key = segments[at]!
  if (at < segments.length - 1) {
    const inner = hasOwn(fields, key) ? fields[key] : undefined
    if (value !== undefined || isContainer(inner))
      fields[key] = objectOf(changed(inner, segments, at + 1, value))
  } else if (value === undefined) delete fields[key]
  else fields[key] = value
  return fields
}
