import type { Value } from '@nearcloud/protocol'
import { areEqual, fieldsOf, isArray } from './order.ts'

/** The same values, their fields in the same order, and numbers as near as two ways to add them up leave them. */
export function areAlike(a: Value, b: Value, tolerance: number): boolean {
  if (typeof a === 'number' && typeof b === 'number') return areNear(a, b, tolerance)
  if (isArray(a) && isArray(b))
    return a.length === b.length && a.every((each, at) => areAlike(each, b[at]!, tolerance))
  const [left, right] = [fieldsOf(a), fieldsOf(b)]
  if (!left || !right) return areEqual(a, b)
  const [keys, others] = [Object.keys(left), Object.keys(right)]
  return (
    keys.length === others.length &&
    keys.every((key, at) => key === others[at] && areAlike(left[key]!, right[key]!, tolerance))
  )
}

function areNear(a: number, b: number, tolerance: number): boolean {
  if (areEqual(a, b)) return true
  return Math.abs(a - b) <= tolerance * Math.max(1, Math.abs(a), Math.abs(b))
}
