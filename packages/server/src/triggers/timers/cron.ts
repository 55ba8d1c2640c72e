import { CloudError, type Millis } from '@nearcloud/protocol'
import { type DayTest, specialDate, specialWeekday } from './special-days.ts'

/** When a timer is due, in the fields of a clock on the wall. */
export interface Schedule {
  readonly seconds: Field
  readonly minutes: Field
  readonly hours: Field
  readonly days: Field
  /** 1 is January. */
  readonly months: Field
  /** 0 is Sunday. */
  readonly weekdays: Field
  readonly years: Field
}

interface Field {
  /** Ascending. */
  readonly values: readonly number[]
  /** Every value there is. */
  readonly isAny: boolean
  /** Days that have no value, but a place in their month. */
  readonly special: readonly DayTest[]
}

interface Kind {
  readonly name: string
  readonly from: number
  readonly to: number
  readonly names?: readonly string[]
}

const monthNames = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC']
const weekdayNames = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT']

const kinds: readonly (Kind & { readonly part: keyof Schedule })[] = [
  { part: 'seconds', name: 'second', from: 0, to: 59 },
  { part: 'minutes', name: 'minute', from: 0, to: 59 },
  { part: 'hours', name: 'hour', from: 0, to: 23 },
  { part: 'days', name: 'day of the month', from: 1, to: 31 },
  { part: 'months', name: 'month', from: 1, to: 12, names: monthNames },
  { part: 'weekdays', name: 'weekday', from: 0, to: 6, names: weekdayNames },
  { part: 'years', name: 'year', from: 1970, to: 2099 },
]

/**
 * Reads a timer's expression: seven fields (second, minute, hour, day, month, weekday, year), six without the year, or
 * five without second and year. Each is `*`, a value, a range `a-b`, either with a step `/n`, or a list of those; days may be `L`,
 * `L-3`, `LW` and `15W`, weekdays `FRIL` (the last of the month) and `FRI#2` (the second).
 *
 * Throws INVALID_PARAM with words that name the field.
 */
export function parseCron(expression: string): Schedule {
  const texts = expression.trim().split(/\s+/)
  if (expression.length > 256 || texts.length < 5 || texts.length > 7 || texts[0] === '')
    throw unfit('an expression has 7 fields (second minute hour day month weekday year), or 6, or 5')
  const all = [...(texts.length === 5 ? ['0'] : []), ...texts, ...(texts.length < 7 ? ['*'] : [])]
  const fields = kinds.map((kind, n) => [kind.part, parseField(all[n]!, kind)] as const)
  return Object.fromEntries(fields) as unknown as Schedule
}

/**
 * The first moment behind `after` that the schedule names, as a clock on the wall shows it: both are milliseconds of that
 * clock, as if it were UTC. Undefined when there is none any more.
 */
export function nextOnWall(schedule: Schedule, after: Millis): Millis | undefined {
  const { seconds, minutes, hours, months, years } = schedule
  const start = new Date(Math.floor(after / 1_000) * 1_000 + 1_000)
  /** The part of the day behind it counts on the first day alone. */
  let earliest = start.getTime() - startOfDay(start)
  for (let day = new Date(startOfDay(start)); ; earliest = 0) {
    const year = day.getUTCFullYear()
    if (year > years.values.at(-1)!) return undefined
    if (!years.values.includes(year)) day = new Date(Date.UTC(year + 1, 0, 1))
    else if (!months.values.includes(day.getUTCMonth() + 1))
      day = new Date(Date.UTC(year, day.getUTCMonth() + 1, 1))
    else {
      const ofDay = isDay(schedule, day) ? firstOfDay(hours, minutes, seconds, earliest) : undefined
      if (ofDay !== undefined) return day.getTime() + ofDay
      day = new Date(day.getTime() + dayMs)
    }
  }
}

function parseField(text: string, kind: Kind): Field {
  const found = new Set<number>()
  const special: DayTest[] = []
  for (const part of text.split(',')) {
    const test = specialOf(part, kind)
    if (test) special.push(test)
    else for (const value of valuesOf(part, kind)) found.add(value)
  }
  const values = [...found].sort((a, b) => a - b)
  return { values, isAny: values.length === kind.to - kind.from + 1, special }
}

function specialOf(part: string, kind: Kind): DayTest | undefined {
  if (kind.name === 'day of the month') return specialDate(part)
  return kind.name === 'weekday' ? specialWeekday(part, text => valueIn(text, kind)) : undefined
}

function valuesOf(part: string, kind: Kind): number[] {
  const [range = '', stepText, ...more] = part.split('/')
  const step = stepText === undefined ? 1 : numberOf(stepText)
  if (more.length > 0 || step === undefined || step < 1) throw unfitField(part, kind)
  const [first = '', last, ...rest] = range.split('-')
  if (rest.length > 0) throw unfitField(part, kind)
  const isAny = first === '*' || (first === '?' && /day/.test(kind.name))
  if (isAny && last !== undefined) throw unfitField(part, kind)
  const from = isAny ? kind.from : valueIn(first, kind)
  const to = isAny || (last === undefined && stepText !== undefined) ? kind.to : valueIn(last ?? first, kind)
  if (from > to) throw unfitField(part, kind)
  const values: number[] = []
  for (let value = from; value <= to; value += step) values.push(value)
  return values
}

function valueIn(text: string, kind: Kind): number {
  const named = kind.names?.indexOf(text.toUpperCase()) ?? -1
  if (named >= 0) return kind.from + named
  const value = numberOf(text)
  if (value === 7 && kind.name === 'weekday') return 0
  if (value === undefined || value < kind.from || value > kind.to) throw unfitField(text, kind)
  return value
}

function numberOf(text: string): number | undefined {
  return /^\d{1,4}$/.test(text) ? Number(text) : undefined
}

/** Where both the day of the month and the weekday are told, either will do. */
function isDay({ days, weekdays }: Schedule, day: Date): boolean {
  const isOf = ({ values, special }: Field, value: number) =>
    values.includes(value) || special.some(isIt => isIt(day))
  const [isDate, isWeekday] = [isOf(days, day.getUTCDate()), isOf(weekdays, day.getUTCDay())]
  if (days.isAny || weekdays.isAny) return isDate && isWeekday
  return isDate || isWeekday
}

/** The first moment of a day at or behind `earliest`, both in milliseconds from its beginning. */
function firstOfDay(hours: Field, minutes: Field, seconds: Field, earliest: Millis): Millis | undefined {
  for (const hour of hours.values) {
    const ofHour = hour * hourMs
    if (ofHour + hourMs <= earliest) continue
    for (const minute of minutes.values) {
      const ofMinute = ofHour + minute * minuteMs
      if (ofMinute + minuteMs <= earliest) continue
      const second = seconds.values.find(each => ofMinute + each * 1_000 >= earliest)
      if (second !== undefined) return ofMinute + second * 1_000
    }
  }
  return undefined
}

function startOfDay(day: Date): Millis {
  return Date.UTC(day.getUTCFullYear(), day.getUTCMonth(), day.getUTCDate())
}

function unfitField(text: string, kind: Kind): CloudError {
  const named = kind.names ? ` or ${kind.names[0]} to ${kind.names.at(-1)}` : ''
  return unfit(
    `"${text}" is no ${kind.name}: ${kind.from} to ${kind.to}${named}, with "*", ",", "-" and "/" between them`,
  )
}

function unfit(errMsg: string): CloudError {
  return new CloudError('INVALID_PARAM', { errMsg })
}

const [minuteMs, hourMs, dayMs] = [60_000, 3_600_000, 86_400_000]
