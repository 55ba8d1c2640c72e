/* Days that a timer names by where they lie in their month: `L`, `L-3`, `LW`, `15W`; `5L`, `FRIL`, `2#1`, `MON#3`. */

/** Is it this day? Days are midnights of a clock on the wall, as if it were UTC. */
export type DayTest = (day: Date) => boolean

/** Of the field for the day of the month. Undefined: it is nothing of that kind. */
export function specialDate(text: string): DayTest | undefined {
  const ofLast = /^L(?:-([1-9]|[12]\d|30))?$/i.exec(text)
  if (ofLast) return day => day.getUTCDate() === lastOf(day) - Number(ofLast[1] ?? 0)
  if (/^LW$/i.test(text)) return day => day.getUTCDate() === workdayBy(day, lastOf(day))
  const [, near] = /^(\d{1,2})W$/i.exec(text) ?? []
  const wanted = Number(near)
  if (near === undefined || wanted < 1 || wanted > 31) return undefined
  return day => wanted <= lastOf(day) && day.getUTCDate() === workdayBy(day, wanted)
}

/** Of the field for the weekday; `numberOf` reads one alone, 0 is Sunday. Undefined: it is nothing of that kind. */
export function specialWeekday(text: string, numberOf: (text: string) => number): DayTest | undefined {
  const [, last] = /^(.+)L$/i.exec(text) ?? []
  if (last !== undefined) {
    const weekday = numberOf(last)
    return day => day.getUTCDay() === weekday && day.getUTCDate() > lastOf(day) - 7
  }
  const [, of, nth] = /^([^#]+)#([1-5])$/.exec(text) ?? []
  if (of === undefined) return undefined
  const weekday = numberOf(of)
  return day => day.getUTCDay() === weekday && Math.ceil(day.getUTCDate() / 7) === Number(nth)
}

/** The day from Monday to Friday that is nearest to this one, in the same month. */
function workdayBy(month: Date, date: number): number {
  const weekday = new Date(Date.UTC(month.getUTCFullYear(), month.getUTCMonth(), date)).getUTCDay()
  if (weekday === 6) return date > 1 ? date - 1 : date + 2
  if (weekday === 0) return date < lastOf(month) ? date + 1 : date - 2
  return date
}

function lastOf(day: Date): number {
  return new Date(Date.UTC(day.getUTCFullYear(), day.getUTCMonth() + 1, 0)).getUTCDate()
}
