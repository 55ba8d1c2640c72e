import { type Document, isPlainObject, type Value } from '@nearcloud/protocol'
import { equalValues } from './compare.ts'
import { hasOwn, joinPath } from './paths.ts'

export interface Difference {
  /** Dotted paths and their new values. */
  readonly updatedFields: Readonly<Record<string, Value>>
  readonly removedFields: readonly string[]
}

/**
 * What turns one document into another, at the deepest paths that tell it: objects field by field, arrays of one length
 * element by element, anything else whole. `undefined` when nothing differs but the order of fields.
 */
export function differenceOf(before: Document, after: Document): Difference | undefined {
  const updatedFields: Record<string, Value> = {}
  const removedFields: string[] = []

  function compare(from: Value, to: Value, path: string): void {
    if (from === to) return
    if (isPlainObject(from) && isPlainObject(to)) {
      for (const key of Object.keys(from)) if (!hasOwn(to, key)) removedFields.push(joinPath(path, key))
      for (const key of Object.keys(to))
        if (hasOwn(from, key)) compare(from[key]!, to[key]!, joinPath(path, key))
        else updatedFields[joinPath(path, key)] = to[key]!
    } else if (Array.isArray(from) && Array.isArray(to) && from.length === to.length)
      for (let i = 0; i < to.length; i++) compare(from[i] as Value, to[i] as Value, joinPath(path, String(i)))
    else if (!equalValues(from, to)) updatedFields[path] = to
  }

  compare(before, after, '')
  if (Object.keys(updatedFields).length + removedFields.length === 0) return undefined
  return { updatedFields, removedFields }
}
