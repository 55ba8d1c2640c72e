import { type ClockTime, calendarDay, dayNumber, isoDayNumber, isoWeek, localTime } from './calendar.ts'
import { instantOf, offsetOf, type TimeZone, utc } from './time-zone.ts'

/** What was read in a text: a day, given in one of three ways, a time of day, and how far its clock is ahead of UTC. */
export interface DateRead {
  readonly day:
    | { readonly year: number; readonly month: number; readonly day: number }
    | { readonly year: number; readonly dayOfYear: number }
    | { readonly isoYear: number; readonly isoWeek: number; readonly isoDay: number }
  readonly clock: ClockTime
  /** Milliseconds. */
  readonly offset?: number | undefined
}

/**
 * A date in ISO form: `2017-02-08`, `20170208`, `2017-039`, `2017-W06-3`, with a time after a `T` or a space (`12:10`, `12:10:40.5`,
 * `121040`) and with `Z`, `UTC` or an offset behind that. undefined for anything else, and for days and times that do not exist.
 */
export function readIsoDate(text: string): DateRead | undefined {
  if (text.length > 100) return undefined
  const found = isoForm.exec(text)?.groups
  if (!found) return undefined
  const number = (name: string) => Number(found[name] ?? found[`${name}2`] ?? 0)
  const day = found.week
    ? { isoYear: number('weekYear'), isoWeek: number('week'), isoDay: Number(found.weekday ?? 1) }
    : found.dayOfYear
      ? { year: number('yearOfDay'), dayOfYear: number('dayOfYear') }
      : { year: number('year'), month: number('month'), day: number('day') }
  const clock = {
    ...{ hour: number('hour'), minute: number('minute'), second: number('second') },
    millisecond: Number((found.fraction ?? '').padEnd(3, '0').slice(0, 3)),
  }
  return { day, clock, offset: found.zone === undefined ? undefined : (offsetOf(found.zone) ?? 0) }
}

const isoForm = new RegExp(
  [
    '^(?:(?<year>\\d{4})[-/](?<month>\\d{1,2})[-/](?<day>\\d{1,2})',
    '|(?<year2>\\d{4})(?<month2>\\d{2})(?<day2>\\d{2})',
    '|(?<yearOfDay>\\d{4})-(?<dayOfYear>\\d{3})',
    '|(?<weekYear>\\d{4})-?W(?<week>\\d{2})(?:-?(?<weekday>\\d))?)',
    '(?:(?:T| )(?<hour>\\d{2}):?(?<minute>\\d{2})(?::?(?<second>\\d{2})(?:[.,](?<fraction>\\d+))?)?',
    ' ?(?<zone>Z|UTC|GMT|[+-](?:[01]\\d|2[0-3])(?::?[0-5]\\d)?)?)?$',
  ].join(''),
)

/** Milliseconds since 1970; undefined when there is no such day or time. The zone is that of a text that names none. */
export function instantRead(read: DateRead, zone: TimeZone): number | undefined {
  const day = dayRead(read.day)
  const { hour, minute, second } = read.clock
  if (day === undefined || hour > 23 || minute > 59 || second > 59) return undefined
  const local = localTime(day, read.clock)
  return read.offset === undefined ? instantOf(local, zone) : local - read.offset
}

/** The instant of a text in ISO form, UTC unless it names an offset; undefined when it cannot be read. */
export function isoInstant(text: string): number | undefined {
  const read = readIsoDate(text)
  return read && instantRead(read, utc)
}

function dayRead(day: DateRead['day']): number | undefined {
  if ('isoYear' in day) {
    const number = isoDayNumber(day.isoYear, day.isoWeek, day.isoDay)
    const exists = day.isoDay >= 1 && day.isoDay <= 7
    return exists && isoWeek(number).year === day.isoYear && day.isoWeek >= 1 ? number : undefined
  }
  if ('dayOfYear' in day) {
    const number = dayNumber(day.year, 1, day.dayOfYear)
    return day.dayOfYear >= 1 && calendarDay(number).year === day.year ? number : undefined
  }
  const number = dayNumber(day.year, day.month, day.day)
  const { month, day: dayOfMonth } = calendarDay(number)
  return month === day.month && dayOfMonth === day.day ? number : undefined
}
