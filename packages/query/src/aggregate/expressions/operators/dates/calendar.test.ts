import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  calendarDay,
  clockTime,
  dayMs,
  dayNumber,
  dayOf,
  isoDayNumber,
  isoWeek,
  isoWeekdayOf,
  localTime,
} from './calendar.ts'
import { instantOf, timeZoneOf } from './time-zone.ts'

const instant = fc.integer({ min: -8.64e15, max: 8.64e15 })

test('[EXPR-31] the calendar is that of the host', () => {
  fc.assert(
    fc.property(instant, ms => {
      const date = new Date(ms)
      const { year, month, day } = calendarDay(dayOf(ms))
      expect([year, month, day]).toEqual([date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate()])
      expect(isoWeekdayOf(dayOf(ms)) % 7).toBe(date.getUTCDay())
      expect(localTime(dayNumber(year, month, day), clockTime(ms))).toBe(ms)
    }),
  )
})

test('[EXPR-31] every day has one ISO week, and is found by it', () => {
  fc.assert(
    fc.property(instant, ms => {
      const day = dayOf(ms)
      const { year, week } = isoWeek(day)
      expect(week).toBeGreaterThanOrEqual(1)
      expect(week).toBeLessThanOrEqual(53)
      expect(isoDayNumber(year, week, isoWeekdayOf(day))).toBe(day)
    }),
  )
})

test('[EXPR-36] months and days out of range are those of other years and months', () => {
  const part = fc.integer({ min: -1_000, max: 1_000 })
  fc.assert(
    fc.property(fc.integer({ min: 100, max: 9_999 }), part, part, (year, month, day) => {
      expect(dayNumber(year, month, day) * dayMs).toBe(Date.UTC(year, month - 1, day))
    }),
  )
})

test('[EXPR-37] what clocks show at an instant is found again, a change of an hour apart', () => {
  const recent = fc.integer({ min: Date.UTC(1980, 0), max: Date.UTC(2030, 0) })
  const names = [
    'America/New_York',
    'Europe/Berlin',
    'Asia/Shanghai',
    'Australia/Lord_Howe',
    'Asia/Kathmandu',
    '-03:30',
  ]
  for (const name of names) {
    const zone = timeZoneOf(name)!
    fc.assert(
      fc.property(recent, ms => {
        const found = instantOf(ms + zone.offsetAt(ms), zone)
        expect(found === ms || ms - found === 3_600_000 || ms - found === 1_800_000).toBe(true)
        expect(found + zone.offsetAt(found)).toBe(ms + zone.offsetAt(ms))
      }),
      { numRuns: 50 },
    )
  }
})
