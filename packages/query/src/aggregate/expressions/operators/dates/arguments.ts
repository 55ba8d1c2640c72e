import type { Value } from '@nearcloud/protocol'
import type { Expression } from '../../../../types.ts'
import type { Evaluate } from '../../../scope.ts'
import type { Call } from '../../call.ts'
import { constantOf } from '../../constant.ts'
import { isNullish } from '../../truth.ts'
import { typeName } from '../../type-name.ts'
import { hostHasZones, type TimeZone, timeZoneOf, utc } from './time-zone.ts'

/** The date so many milliseconds after 1970, cut to whole ones. */
export function dateAt(milliseconds: number, call: Call): Date {
  const date = new Date(milliseconds)
  if (Number.isNaN(date.getTime())) throw call.unfit('makes a date out of range')
  return date
}

/** Milliseconds since 1970; null of null or nothing. */
export function instantGiven(value: Value | undefined, call: Call): number | null {
  if (value instanceof Date) return value.getTime()
  if (isNullish(value)) return null
  throw call.unfit(`takes a date, not ${typeName(value)}`)
}

/** The zone named by an expression, UTC when there is none; null when its name is null or missing. */
export function compileZone(
  timezone: Expression | undefined,
  call: Call,
): (document: Value) => TimeZone | null {
  if (!timezone) return () => utc
  const zoneNamed = prepared(call.compile(timezone), name => {
    if (typeof name !== 'string') throw call.unfit(`takes text as "timezone", not ${typeName(name)}`)
    const zone = timeZoneOf(name)
    if (zone) return zone
    const known = hostHasZones()
      ? 'take a name such as America/New_York or an offset such as +08:00'
      : 'this host knows none by name: take an offset such as +08:00'
    throw call.unfit(`knows no time zone "${name.slice(0, 100)}": ${known}`)
  })
  return document => {
    call.meter.spend(stepsOfZone)
    return zoneNamed(document)
  }
}

/** What is made of a value, once when it is the same for every document; null of null or nothing. */
export function prepared<T>(evaluate: Evaluate, prepare: (value: Value) => T): (document: Value) => T | null {
  const fixed = constantOf(evaluate)
  if (fixed && !isNullish(fixed.value)) {
    let made: { readonly is: T } | undefined
    const value = fixed.value
    return () => {
      made ??= { is: prepare(value) }
      return made.is
    }
  }
  return document => {
    const value = evaluate(document)
    return isNullish(value) ? null : prepare(value)
  }
}

/** Asking the host about a day on which clocks change takes as long as so many steps. */
const stepsOfZone = 50
