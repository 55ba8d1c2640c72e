import { namedArguments, takes } from '../../arguments.ts'
import type { Operator } from '../../call.ts'
import { compileZone, instantGiven } from './arguments.ts'
import {
  calendarDay,
  clockTime,
  dayOf,
  dayOfYear,
  isoWeek,
  isoWeekdayOf,
  modulo,
  weekOfYear,
} from './calendar.ts'

/** Of a date, or of `{ date, timezone? }`. null or nothing has null. */
function partOf(compute: (local: number) => number): Operator {
  const ofDate = takes(1, 1, ([date], call) => document => {
    const instant = instantGiven(date!(document), call)
    return instant === null ? null : compute(instant)
  })
  return (argument, call) => {
    if (argument[0] !== 'object') return ofDate(argument, call)
    const named = namedArguments(argument, call, ['date'], ['timezone'])
    const date = call.compile(named.date)
    const zoneOf = compileZone(named.timezone, call)
    return document => {
      const zone = zoneOf(document)
      const instant = instantGiven(date(document), call)
      return instant === null || zone === null ? null : compute(instant + zone.offsetAt(instant))
    }
  }
}

export const dateParts: Readonly<Record<string, Operator>> = {
  year: partOf(local => calendarDay(dayOf(local)).year),
  month: partOf(local => calendarDay(dayOf(local)).month),
  dayOfMonth: partOf(local => calendarDay(dayOf(local)).day),
  hour: partOf(local => clockTime(local).hour),
  minute: partOf(local => clockTime(local).minute),
  second: partOf(local => clockTime(local).second),
  millisecond: partOf(local => modulo(local, 1_000)),
  /** From 1. */
  dayOfYear: partOf(local => dayOfYear(dayOf(local))),
  /** From 1, a Sunday. */
  dayOfWeek: partOf(local => (isoWeekdayOf(dayOf(local)) % 7) + 1),
  week: partOf(local => weekOfYear(dayOf(local))),
  /** From 1, a Monday. */
  isoDayOfWeek: partOf(local => isoWeekdayOf(dayOf(local))),
  isoWeek: partOf(local => isoWeek(dayOf(local)).week),
  isoWeekYear: partOf(local => isoWeek(dayOf(local)).year),
}
