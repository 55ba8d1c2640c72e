import { fromJson, isPlainObject, NewText, ServerDate, type Value } from '@nearcloud/protocol'
import { refuse } from '../refusals.ts'

/** The value of a tree, to be compared or computed with. */
export function plainValue(tree: unknown): Value {
  const value = fromJson(tree)
  if (hasServerDate(value)) throw refuse('a server date cannot be compared or computed with: use a date')
  if (hasText(value)) throw refuse('a text that begins cannot be compared or computed with: use a string')
  return value
}

function hasText(value: Value): boolean {
  if (value instanceof NewText) return true
  if (Array.isArray(value)) return (value as readonly Value[]).some(hasText)
  return isPlainObject(value) && Object.values(value).some(hasText)
}

function hasServerDate(value: Value): boolean {
  if (value instanceof ServerDate) return true
  if (Array.isArray(value)) return (value as readonly Value[]).some(hasServerDate)
  return isPlainObject(value) && Object.values(value).some(hasServerDate)
}
