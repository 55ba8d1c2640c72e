import type { Value } from '@nearcloud/protocol'
import type { Call } from '../call.ts'
import { typeName } from '../type-name.ts'

/** An integer of 32 bits. Throws for anything else, null among them. */
export function integerOf(value: Value | undefined, call: Call, what: string): number {
  if (typeof value === 'number' && Number.isInteger(value) && Math.abs(value + 0.5) < 2 ** 31) return value
  throw call.unfit(`takes an integer as ${what}, not ${shown(value)}`)
}

/** The part of a text or an array to search: from `start` to before `end`, both not negative. Absent: all of it. */
export function searchedPart(
  given: readonly (Value | undefined)[],
  call: Call,
): [start: number, end: number] {
  const [start, end] = ['start', 'end'].map((what, i) => {
    if (i >= given.length) return undefined
    const position = integerOf(given[i], call, what)
    if (position < 0) throw call.unfit(`takes a ${what} that is not negative, not ${position}`)
    return position
  })
  return [start ?? 0, end ?? Infinity]
}

function shown(value: Value | undefined): string {
  return typeof value === 'number' ? String(value) : typeName(value)
}
