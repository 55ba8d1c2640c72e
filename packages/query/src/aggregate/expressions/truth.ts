import type { Value } from '@nearcloud/protocol'

/** What conditions take for true: everything but false, 0, null and missing. */
export function isTrue(value: Value | undefined): boolean {
  return value !== undefined && value !== null && value !== false && value !== 0
}

export function isNullish(value: Value | undefined): value is null | undefined {
  return value === undefined || value === null
}

export function isList(value: Value | undefined): value is readonly Value[] {
  return Array.isArray(value)
}
