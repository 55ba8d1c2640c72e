import type { Maybe } from '../order.ts'

/** An operator that needs no more of its arguments than their values. */
export type Operator = (values: readonly Maybe[]) => Maybe

/** False, null, zero and nothing are not true; everything else is. */
export function isTrue(value: Maybe): boolean {
  return value !== undefined && value !== null && value !== false && value !== 0
}

export function isNothing(value: Maybe): value is null | undefined {
  return value === undefined || value === null
}
