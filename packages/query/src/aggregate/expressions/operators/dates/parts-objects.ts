import type { Value } from '@nearcloud/protocol'
import type { Expression } from '../../../../types.ts'
import { namedArguments } from '../../arguments.ts'
import type { Call, Operator } from '../../call.ts'
import { constant } from '../../constant.ts'
import { isNullish } from '../../truth.ts'
import { typeName } from '../../type-name.ts'
import { compileZone, dateAt, instantGiven } from './arguments.ts'
import {
  calendarDay,
  clockTime,
  dayNumber,
  dayOf,
  isoDayNumber,
  isoWeek,
  isoWeekdayOf,
  localTime,
} from './calendar.ts'
import { instantOf } from './time-zone.ts'

const clockNames = ['hour', 'minute', 'second', 'millisecond'] as const
const dayNames = ['year', 'month', 'day'] as const
const isoDayNames = ['isoWeekYear', 'isoWeek', 'isoDayOfWeek'] as const

/**
 * `{ year, month?, day?, hour?, minute?, second?, millisecond?, timezone? }`, or isoWeekYear, isoWeek and isoDayOfWeek in place of
 * the first three. Parts beyond their range are carried over. null when a part is null or missing.
 */
const dateFromParts: Operator = (argument, call) => {
  const isIso = argument[0] === 'object' && argument[1].some(([name]) => name === 'isoWeekYear')
  const [first, ...others] = isIso ? isoDayNames : dayNames
  const named = namedArguments(argument, call, [first], [...others, ...clockNames, 'timezone'])
  const parts = [first, ...others, ...clockNames].map(name => {
    const given: Expression | undefined = (named as { readonly [name: string]: Expression })[name]
    return {
      name,
      evaluate: given ? call.compile(given) : constant(name === others[0] || name === others[1] ? 1 : 0),
    }
  })
  const zoneOf = compileZone(named.timezone, call)
  const numberOf = isIso ? isoDayNumber : dayNumber
  return document => {
    const numbers: number[] = []
    for (const { name, evaluate } of parts) {
      const value = evaluate(document)
      if (isNullish(value)) return null
      numbers.push(partGiven(name, value, call))
    }
    const zone = zoneOf(document)
    if (zone === null) return null
    const [a, b, c, hour, minute, second, millisecond] = numbers as Seven
    const local = localTime(numberOf(a, b, c), { hour, minute, second, millisecond })
    return dateAt(instantOf(local, zone), call)
  }
}

type Seven = [number, number, number, number, number, number, number]

function partGiven(name: string, value: Value, call: Call): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value))
    throw call.unfit(
      `takes an integer as ${name}, not ${typeof value === 'number' ? value : typeName(value)}`,
    )
  const [least, most] = name === 'year' || name === 'isoWeekYear' ? [0, 9_999] : [-(2 ** 40), 2 ** 40]
  if (value < least || value > most) throw call.unfit(`takes ${least} to ${most} as ${name}, not ${value}`)
  return value
}

/** `{ date, timezone?, iso8601? }`: the parts of a date, those of weeks when `iso8601` is true. */
const dateToParts: Operator = (argument, call) => {
  const named = namedArguments(argument, call, ['date'], ['timezone', 'iso8601'])
  const date = call.compile(named.date)
  const zoneOf = compileZone(named.timezone, call)
  const iso8601 = named.iso8601 ? call.compile(named.iso8601) : constant(false)
  return document => {
    const zone = zoneOf(document)
    const isIso = iso8601(document)
    if (!isNullish(isIso) && typeof isIso !== 'boolean')
      throw call.unfit(`takes true or false as "iso8601", not ${typeName(isIso)}`)
    const instant = instantGiven(date(document), call)
    if (instant === null || zone === null || isNullish(isIso)) return null
    const local = instant + zone.offsetAt(instant)
    return Object.freeze({
      ...(isIso ? isoDayParts(dayOf(local)) : calendarDay(dayOf(local))),
      ...clockTime(local),
    })
  }
}

function isoDayParts(day: number) {
  const { year, week } = isoWeek(day)
  return { isoWeekYear: year, isoWeek: week, isoDayOfWeek: isoWeekdayOf(day) }
}

export const partsObjects: Readonly<Record<string, Operator>> = { dateFromParts, dateToParts }
