import type { Value } from '@nearcloud/protocol'
import { namedArguments } from '../../arguments.ts'
import type { Call, Operator } from '../../call.ts'
import { constant } from '../../constant.ts'
import { compileZone, instantGiven, prepared } from './arguments.ts'
import { calendarDay, clockTime, dayOf, dayOfYear, isoWeek, isoWeekdayOf, weekOfYear } from './calendar.ts'
import { type FormatPart, formatParts } from './format.ts'

/** `{ date, format?, timezone?, onNull? }` */
export const dateToString: Operator = (argument, call) => {
  const named = namedArguments(argument, call, ['date'], ['format', 'timezone', 'onNull'])
  const date = call.compile(named.date)
  const onNull = named.onNull ? call.compile(named.onNull) : constant(null)
  const zoneOf = compileZone(named.timezone, call)
  const formatOf = prepared(
    named.format ? call.compile(named.format) : constant(isoFormat),
    (format: Value) => formatParts(format, Object.keys(writers).join(''), call),
  )
  return document => {
    const format = formatOf(document)
    const zone = zoneOf(document)
    const instant = instantGiven(date(document), call)
    if (instant === null) return onNull(document)
    if (zone === null || format === null) return null
    return written(format, instant, zone.offsetAt(instant), call)
  }
}

const isoFormat = '%Y-%m-%dT%H:%M:%S.%LZ'

interface Moment {
  readonly local: number
  readonly day: number
  /** Milliseconds ahead of UTC. */
  readonly offset: number
  readonly call: Call
}

function written(format: readonly FormatPart[], instant: number, offset: number, call: Call): string {
  const local = instant + offset
  call.meter.spend(format.length)
  const moment: Moment = { local, day: dayOf(local), offset, call }
  let text = ''
  for (const part of format)
    text += 'text' in part ? part.text : writers[part.specifier as keyof typeof writers](moment)
  return text
}

/** `%Y` and so on; what each writes. */
const writers = {
  Y: ({ day, call }: Moment) => year(calendarDay(day).year, call),
  m: ({ day }: Moment) => padded(calendarDay(day).month, 2),
  d: ({ day }: Moment) => padded(calendarDay(day).day, 2),
  H: ({ local }: Moment) => padded(clockTime(local).hour, 2),
  M: ({ local }: Moment) => padded(clockTime(local).minute, 2),
  S: ({ local }: Moment) => padded(clockTime(local).second, 2),
  L: ({ local }: Moment) => padded(clockTime(local).millisecond, 3),
  j: ({ day }: Moment) => padded(dayOfYear(day), 3),
  u: ({ day }: Moment) => String(isoWeekdayOf(day)),
  w: ({ day }: Moment) => String((isoWeekdayOf(day) % 7) + 1),
  U: ({ day }: Moment) => padded(weekOfYear(day), 2),
  V: ({ day }: Moment) => padded(isoWeek(day).week, 2),
  G: ({ day, call }: Moment) => year(isoWeek(day).year, call),
  z: ({ offset }: Moment) => signed(minutesOf(offset)),
  Z: ({ offset }: Moment) => String(minutesOf(offset)),
}

function year(number: number, call: Call): string {
  if (number < 0 || number > 9_999) throw call.unfit(`writes years from 0 to 9999, not ${number}`)
  return padded(number, 4)
}

/** `+hhmm` */
function signed(minutes: number): string {
  const ahead = Math.abs(minutes)
  return `${minutes < 0 ? '-' : '+'}${padded(Math.floor(ahead / 60), 2)}${padded(ahead % 60, 2)}`
}

function minutesOf(offset: number): number {
  return Math.trunc(offset / 60_000) + 0
}

function padded(number: number, digits: number): string {
  return String(number).padStart(digits, '0')
}
