import { fieldOf, type Maybe } from '../order.ts'
import { cannot } from '../refusal.ts'
import { isNothing, type Operator } from './operator.ts'

/** In UTC. */
export const dates: { readonly [name: string]: Operator } = {
  year: part(date => date.getUTCFullYear()),
  month: part(date => date.getUTCMonth() + 1),
  dayOfMonth: part(date => date.getUTCDate()),
  hour: part(date => date.getUTCHours()),
  minute: part(date => date.getUTCMinutes()),
  second: part(date => date.getUTCSeconds()),
  millisecond: part(date => date.getUTCMilliseconds()),
  dayOfWeek: part(date => date.getUTCDay() + 1),
  isoDayOfWeek: part(date => date.getUTCDay() || 7),
  dayOfYear: part(dayOfYear),
  week: part(date => Math.floor((dayOfYear(date) - 1 - date.getUTCDay() + 7) / 7)),
  isoWeek: part(date => Math.floor((dayOfYear(thursdayOf(date)) - 1) / 7) + 1),
  isoWeekYear: part(date => thursdayOf(date).getUTCFullYear()),
  dateToString: ([options]) => {
    const [date, format] = [fieldOf(options, 'date'), fieldOf(options, 'format')]
    if (isNothing(date)) return fieldOf(options, 'onNull') ?? null
    if (format === null) return null
    const shown = dateIn(date)
      .toISOString()
      .match(/^([^-]+)-(..)-(..)T(..):(..):(..)\.(...)Z$/)
    if (!shown) throw cannot('a date before the year 0 or behind 9999')
    const parts = Object.fromEntries([...'YmdHMSL'].map((letter, at) => [letter, shown[at + 1]!]))
    const written = { ...parts, '%': '%', j: String(dayOfYear(date as Date)).padStart(3, '0') }
    return String(format ?? '%Y-%m-%dT%H:%M:%S.%LZ').replace(
      /%(.)/g,
      (_, letter: string) => written[letter as keyof typeof written],
    )
  },
  dateFromParts: ([options]) => {
    const names = ['year', 'month', 'day', 'hour', 'minute', 'second', 'millisecond']
    const given = names.map((name, at) => {
      const value = fieldOf(options, name)
      return value === undefined ? (at < 3 ? 1 : 0) : value
    })
    if (given.some(isNothing)) return null
    const [year, month, day, ...time] = given.map(value => {
      if (!Number.isInteger(value)) throw cannot('parts of a date are whole')
      return value as number
    }) as [number, number, number, ...number[]]
    return new Date(Date.UTC(year, month - 1, day, ...time))
  },
}

function part(read: (date: Date) => number): Operator {
  return ([value]) => (isNothing(value) ? null : read(dateIn(value)))
}

function dateIn(value: Maybe): Date {
  if (!(value instanceof Date)) throw cannot('a date is expected')
  return value
}

const dayMs = 86_400_000

/** From 1. */
function dayOfYear(date: Date): number {
  return Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / dayMs) + 1
}

/** The day of the same ISO week that tells its year. */
function thursdayOf(date: Date): Date {
  return new Date(date.getTime() + (4 - (date.getUTCDay() || 7)) * dayMs)
}
