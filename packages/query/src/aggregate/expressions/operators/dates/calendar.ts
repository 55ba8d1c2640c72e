/**
 * The Gregorian calendar, before its time too. A local time is a number: the milliseconds since 1970 that a clock in UTC would
 * have to have gone to show it.
 */
export interface CalendarDay {
  readonly year: number
  /** From 1. */
  readonly month: number
  readonly day: number
}

export interface ClockTime {
  readonly hour: number
  readonly minute: number
  readonly second: number
  readonly millisecond: number
}

/** Days since 1970. A month out of range is one of another year, a day one of another month. */
export function dayNumber(year: number, month: number, day: number): number {
  const years = year + Math.floor((month - 1) / 12)
  const monthOfYear = modulo(month - 1, 12) + 1
  // years begin in March here, so that the day of a leap year is the last
  const y = monthOfYear <= 2 ? years - 1 : years
  const era = Math.floor(y / 400)
  const yearOfEra = y - era * 400
  const dayOfYear = Math.floor((153 * modulo(monthOfYear - 3, 12) + 2) / 5)
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear
  return era * daysOfEra + dayOfEra - daysTo1970 + day - 1
}

export function calendarDay(dayNumber: number): CalendarDay {
  const shifted = dayNumber + daysTo1970
  const era = Math.floor(shifted / daysOfEra)
  const dayOfEra = shifted - era * daysOfEra
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  )
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const fromMarch = Math.floor((5 * dayOfYear + 2) / 153)
  const month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * fromMarch + 2) / 5) + 1,
  }
}

/** The number of the day an ISO week's day is; weeks and days out of range are those of other years and weeks. */
export function isoDayNumber(isoYear: number, isoWeek: number, isoDayOfWeek: number): number {
  const inFirstWeek = dayNumber(isoYear, 1, 4)
  return inFirstWeek - isoWeekdayOf(inFirstWeek) + (isoWeek - 1) * 7 + isoDayOfWeek
}

export function localTime(dayNumber: number, clock: ClockTime): number {
  return (
    dayNumber * dayMs +
    clock.hour * 3_600_000 +
    clock.minute * 60_000 +
    clock.second * 1_000 +
    clock.millisecond
  )
}

export function dayOf(local: number): number {
  return Math.floor(local / dayMs)
}

export function clockTime(local: number): ClockTime {
  const ms = modulo(local, dayMs)
  return {
    hour: Math.floor(ms / 3_600_000),
    minute: Math.floor(ms / 60_000) % 60,
    second: Math.floor(ms / 1_000) % 60,
    millisecond: ms % 1_000,
  }
}

/** From 1, a Monday, to 7. */
export function isoWeekdayOf(dayNumber: number): number {
  return modulo(dayNumber + 3, 7) + 1
}

/** From 1. */
export function dayOfYear(dayNumberOf: number): number {
  return dayNumberOf - dayNumber(calendarDay(dayNumberOf).year, 1, 1) + 1
}

/** From 0, the days before the first Sunday, to 53. */
export function weekOfYear(dayNumber: number): number {
  return Math.floor((dayOfYear(dayNumber) + 6 - (isoWeekdayOf(dayNumber) % 7)) / 7)
}

/** The week belongs to the year its Thursday is in. */
export function isoWeek(day: number): { readonly year: number; readonly week: number } {
  const thursday = day - isoWeekdayOf(day) + 4
  const { year } = calendarDay(thursday)
  return { year, week: Math.floor((thursday - dayNumber(year, 1, 1)) / 7) + 1 }
}

export function modulo(number: number, divisor: number): number {
  return number - Math.floor(number / divisor) * divisor
}

export const dayMs = 86_400_000
const daysOfEra = 146_097
const daysTo1970 = 719_468
