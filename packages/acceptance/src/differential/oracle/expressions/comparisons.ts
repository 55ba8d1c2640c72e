import { compare } from '../order.ts'
import type { Operator } from './operator.ts'

/** Of all values, of whatever types; what is missing stands before null. */
export const comparisons: { readonly [name: string]: Operator } = {
  cmp: ([a, b]) => Math.sign(compare(a, b)),
  eq: ([a, b]) => compare(a, b) === 0,
  neq: ([a, b]) => compare(a, b) !== 0,
  gt: ([a, b]) => compare(a, b) > 0,
  gte: ([a, b]) => compare(a, b) >= 0,
  lt: ([a, b]) => compare(a, b) < 0,
  lte: ([a, b]) => compare(a, b) <= 0,
}
