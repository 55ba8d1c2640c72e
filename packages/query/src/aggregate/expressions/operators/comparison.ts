import type { Value } from '@nearcloud/protocol'
import { compareValues } from '../../../compare.ts'
import { ofTwo } from '../arguments.ts'
import type { Call, Operator } from '../call.ts'

type Given = Value | undefined

/** The order of all values, in which here a missing one stands before null. */
export function compareGiven(a: Given, b: Given, call: Call): number {
  if (a === undefined || b === undefined) return Number(b === undefined) - Number(a === undefined)
  spendOn(a, b, call)
  return compareValues(a, b)
}

export function equalGiven(a: Given, b: Given, call: Call): boolean {
  if (typeof a === 'string' && typeof b === 'string' && a.length === b.length && a.length > 64)
    call.meter.spend(a.length >>> 5)
  if (a === b) return true
  if (typeof a === 'number') return Number.isNaN(a) && Number.isNaN(b)
  // text, booleans, null and missing are equal only when they are the same
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  spendOn(a, b, call)
  return compareValues(a, b) === 0
}

/** Comparing takes as long as the shorter of both. */
function spendOn(a: Value, b: Value, call: Call): void {
  if (typeof a === 'string' && typeof b === 'string') {
    if (a.length > 64 && b.length > 64) call.meter.spend(Math.min(a.length, b.length) >>> 2)
  } else if (typeof a === 'object' && typeof b === 'object') call.meter.weigh(a)
}

export const comparison: Readonly<Record<string, Operator>> = {
  cmp: ofTwo((a, b, call) => Math.sign(compareGiven(a, b, call))),
  eq: ofTwo(equalGiven),
  neq: ofTwo((a, b, call) => !equalGiven(a, b, call)),
  gt: ofTwo((a, b, call) => compareGiven(a, b, call) > 0),
  gte: ofTwo((a, b, call) => compareGiven(a, b, call) >= 0),
  lt: ofTwo((a, b, call) => compareGiven(a, b, call) < 0),
  lte: ofTwo((a, b, call) => compareGiven(a, b, call) <= 0),
}
