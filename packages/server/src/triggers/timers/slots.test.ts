import { CloudError } from '@nearcloud/protocol'
import { expect, test } from 'vitest'
import { parseCron } from './cron.ts'
import { lastSlot, nextSlot } from './slots.ts'
import { zoneNamed } from './zone.ts'

/** The first slots behind a moment, as UTC. */
function slots(expression: string, after: string, count: number, zone = 'UTC+8'): string[] {
  const schedule = parseCron(expression)
  const found: string[] = []
  let at: number | undefined = Date.parse(after)
  for (let n = 0; n < count && at !== undefined; n++) {
    at = nextSlot(schedule, zoneNamed(zone), at)
    found.push(at === undefined ? 'never' : new Date(at).toISOString().replace('.000Z', 'Z'))
  }
  return found
}

test.each([
  ['every five seconds', '*/5 * * * * * *', ['00:00:05', '00:00:10']],
  ['at 02:00 on the first', '0 0 2 1 * * *', ['2026-01-31T18:00:00Z', '2026-02-28T18:00:00Z']],
  [
    'on weekdays at 10:15',
    '0 15 10 * * MON-FRI *',
    ['02:15:00', '2026-01-02T02:15:00Z', '2026-01-05T02:15:00Z'],
  ],
  [
    'at three hours of the day',
    '0 0 10,14,16 * * * *',
    ['02:00:00', '06:00:00', '08:00:00', '2026-01-02T02:00:00Z'],
  ],
  ['every half hour of nine to five', '0 */30 9-17 * * * *', ['01:00:00', '01:30:00', '02:00:00']],
  ['on Wednesdays at noon', '0 0 12 * * WED *', ['2026-01-07T04:00:00Z']],
  ['five fields: minute first', '0 0 * * *', ['16:00:00', '2026-01-02T16:00:00Z']],
  ['six fields: second first', '30 0 0 * * *', ['16:00:30']],
  ['from one on every ten', '0 1/10 * * * * *', ['00:01:00', '00:11:00', '00:21:00']],
  [
    'day of the month or weekday',
    '0 0 0 13 * FRI *',
    ['2026-01-01T16:00:00Z', '2026-01-08T16:00:00Z', '2026-01-12T16:00:00Z'],
  ],
  ['weekday 0 and 7 are Sunday', '0 0 8 ? * 0 *', ['2026-01-04T00:00:00Z']],
  ['weekday 7', '0 0 8 * * 7 *', ['2026-01-04T00:00:00Z']],
  ['a leap day', '0 0 8 29 FEB * *', ['2028-02-29T00:00:00Z', '2032-02-29T00:00:00Z']],
  ['names in any case', '0 0 8 1 jun,DEC * *', ['2026-06-01T00:00:00Z', '2026-12-01T00:00:00Z']],
  ['a year', '0 0 8 1 1 * 2027', ['2027-01-01T00:00:00Z', 'never']],
  [
    'the last day of the month',
    '0 0 8 L * ? *',
    ['2026-01-31T00:00:00Z', '2026-02-28T00:00:00Z', '2026-03-31T00:00:00Z'],
  ],
  ['three days before the last', '0 0 8 L-3 FEB * *', ['2026-02-25T00:00:00Z', '2027-02-25T00:00:00Z']],
  ['the last workday', '0 0 8 LW * ? *', ['2026-01-30T00:00:00Z', '2026-02-27T00:00:00Z']],
  [
    'the workday nearest to the 1st, in the same month',
    '0 0 8 1W * ? *',
    ['2026-02-02T00:00:00Z', '2026-03-02T00:00:00Z', '2026-04-01T00:00:00Z'],
  ],
  ['the workday nearest to a Saturday', '0 0 8 10W JAN ? *', ['2026-01-09T00:00:00Z']],
  [
    'no workday near a day that is not there',
    '0 0 8 31W * ? *',
    ['2026-01-30T00:00:00Z', '2026-03-31T00:00:00Z'],
  ],
  ['the last Friday', '0 0 8 ? * FRIL *', ['2026-01-30T00:00:00Z', '2026-02-27T00:00:00Z']],
  [
    'the third Wednesday, and the first Monday',
    '0 0 8 ? * 3#3,MON#1 *',
    ['2026-01-05T00:00:00Z', '2026-01-21T00:00:00Z'],
  ],
  [
    'the fifth Friday of those months that have one',
    '0 0 8 ? * 5#5 *',
    ['2026-01-30T00:00:00Z', '2026-05-29T00:00:00Z'],
  ],
  ['the last day or the tenth', '0 0 8 10,L * ? *', ['2026-01-10T00:00:00Z', '2026-01-31T00:00:00Z']],
  ['a day that never comes', '0 0 0 31 2 * *', ['never']],
])('[TIMER-1] %s: %s', (_, expression, expected) => {
  const wanted = expected.map(at => (at.length === 8 ? `2026-01-01T${at}Z` : at))
  expect(slots(expression, '2026-01-01T00:00:00Z', wanted.length)).toEqual(wanted)
})

test.each([
  ['', 'fields'],
  ['* * * *', 'fields'],
  ['* * * * * * * *', 'fields'],
  ['60 * * * * * *', '"60" is no second'],
  ['* 60 * * * * *', '"60" is no minute'],
  ['* * 24 * * * *', '"24" is no hour'],
  ['* * * 0 * * *', '"0" is no day of the month'],
  ['* * * 32 * * *', '"32" is no day of the month'],
  ['* * * * 13 * *', '"13" is no month'],
  ['* * * * FOO * *', '"FOO" is no month'],
  ['* * * * * 8 *', '"8" is no weekday'],
  ['* * * * * * 1969', '"1969" is no year'],
  ['* * * L-31 * * *', '"L" is no day of the month'],
  ['* * * 32W * * *', '"32W" is no day of the month'],
  ['* * * 0W * * *', '"0W" is no day of the month'],
  ['* * * W * * *', '"W" is no day of the month'],
  ['* L * * * * *', '"L" is no minute'],
  ['* * * * * L *', '"L" is no weekday'],
  ['* * * * * 8L *', '"8" is no weekday'],
  ['* * * * * MON#6 *', '"MON#6" is no weekday'],
  ['* * * * * #1 *', '"#1" is no weekday'],
  ['*/0 * * * * * *', '"*/0" is no second'],
  ['5-1 * * * * * *', '"5-1" is no second'],
  ['1-2-3 * * * * * *', '"1-2-3" is no second'],
  ['1//2 * * * * * *', '"1//2" is no second'],
  ['1, * * * * * *', '"" is no second'],
  ['-1 * * * * * *', '"" is no second'],
  ['1e1 * * * * * *', '"1e1" is no second'],
  ['? * * * * * *', '"?" is no second'],
  [`${'1,'.repeat(500)}1 * * * * * *`, 'fields'],
])('[TIMER-1] what is no expression is refused with the field: %s', (expression, words) => {
  const error = (() => {
    try {
      return parseCron(expression)
    } catch (thrown) {
      return thrown
    }
  })()
  expect(error).toBeInstanceOf(CloudError)
  expect((error as CloudError).errMsg).toContain(words)
})

test('[TIMER-2] times are those of UTC+8 or of another place; what is no place is refused', () => {
  expect(slots('0 0 * * *', '2026-01-01T00:00:00Z', 1)).toEqual(['2026-01-01T16:00:00Z'])
  expect(slots('0 0 * * *', '2026-01-01T00:00:00Z', 1, 'UTC')).toEqual(['2026-01-02T00:00:00Z'])
  expect(slots('0 0 * * *', '2026-01-01T00:00:00Z', 1, 'UTC-03:30')).toEqual(['2026-01-01T03:30:00Z'])
  expect(slots('0 0 * * *', '2026-07-01T00:00:00Z', 1, 'Europe/Berlin')).toEqual(['2026-07-01T22:00:00Z'])
  for (const name of ['Mars/Olympus', 'UTC+15', 'UTC+8:61', '', '__proto__'])
    expect(() => zoneNamed(name)).toThrow(CloudError)
})

test('[TIMER-3] where clocks are set forward, what would be left out is due when they are set, once', () => {
  // Berlin, 29 March 2026: 02:00 becomes 03:00 at 01:00 UTC
  const after = '2026-03-28T12:00:00Z'
  expect(slots('0 30 2 * * * *', after, 3, 'Europe/Berlin')).toEqual([
    '2026-03-29T01:00:00Z',
    '2026-03-30T00:30:00Z',
    '2026-03-31T00:30:00Z',
  ])
  expect(slots('0 */20 2,3 * * * *', after, 4, 'Europe/Berlin')).toEqual([
    '2026-03-29T01:00:00Z',
    '2026-03-29T01:20:00Z',
    '2026-03-29T01:40:00Z',
    '2026-03-30T00:00:00Z',
  ])
  expect(slots('0 30 * * * * *', '2026-03-29T00:00:00Z', 3, 'Europe/Berlin')).toEqual([
    '2026-03-29T00:30:00Z',
    '2026-03-29T01:30:00Z',
    '2026-03-29T02:30:00Z',
  ])
})

test('[TIMER-3] where clocks are set back, a time that comes twice is due the first time, and every hour is every hour', () => {
  // Berlin, 25 October 2026: 03:00 becomes 02:00 at 01:00 UTC
  expect(slots('0 30 2 * * * *', '2026-10-24T12:00:00Z', 2, 'Europe/Berlin')).toEqual([
    '2026-10-25T00:30:00Z',
    '2026-10-26T01:30:00Z',
  ])
  expect(slots('0 30 2 * * * *', '2026-10-25T01:10:00Z', 1, 'Europe/Berlin')).toEqual([
    '2026-10-26T01:30:00Z',
  ])
  expect(slots('0 0 * * * * *', '2026-10-24T23:30:00Z', 4, 'Europe/Berlin')).toEqual([
    '2026-10-25T00:00:00Z',
    '2026-10-25T01:00:00Z',
    '2026-10-25T02:00:00Z',
    '2026-10-25T03:00:00Z',
  ])
  // half an hour, at Lord Howe
  expect(slots('0 45 1 * * * *', '2026-04-04T00:00:00Z', 2, 'Australia/Lord_Howe')).toEqual([
    '2026-04-04T14:45:00Z',
    '2026-04-05T15:15:00Z',
  ])
})

test.each([
  ['Europe/Berlin', 8_760],
  ['America/New_York', 8_760],
  ['America/St_Johns', 8_760],
  ['Asia/Shanghai', 8_760],
  // where clocks are set forward by half an hour one full hour is left out, and the one before it is not repeated
  ['Australia/Lord_Howe', 8_759],
] as const)(
  '[TIMER-3] over a year in %s a daily time is due 365 times, an hourly one %i times, always ahead',
  (zone, hours) => {
    const [start, end] = [Date.UTC(2026, 0, 1), Date.UTC(2027, 0, 1)]
    for (const [expression, count] of [
      ['0 30 2 * * * *', 365],
      ['0 0 * * * * *', hours],
    ] as const) {
      const schedule = parseCron(expression)
      const place = zoneNamed(zone)
      let n = 0
      for (let at = nextSlot(schedule, place, start - 1)!; at < end; n++) {
        const next = nextSlot(schedule, place, at)!
        expect(next).toBeGreaterThan(at)
        at = next
      }
      expect(n).toBe(count)
    }
  },
)

test('the last slot up to a moment is found without walking all of them', () => {
  const last = (expression: string, after: string, upTo: string, zone = 'UTC+8') =>
    new Date(
      lastSlot(parseCron(expression), zoneNamed(zone), Date.parse(after), Date.parse(upTo)),
    ).toISOString()
  expect(last('* * * * * * *', '2020-01-01T00:00:00Z', '2026-01-01T00:00:00.500Z')).toBe(
    '2026-01-01T00:00:00.000Z',
  )
  expect(last('0 0 2 1 * * *', '2020-01-01T00:00:00Z', '2026-01-20T00:00:00Z')).toBe(
    '2025-12-31T18:00:00.000Z',
  )
  expect(last('0 0 2 1 * * *', '2025-12-31T17:59:59Z', '2025-12-31T18:00:00Z')).toBe(
    '2025-12-31T18:00:00.000Z',
  )
  expect(last('0 30 2 * * * *', '2026-03-20T00:00:00Z', '2026-03-29T20:00:00Z', 'Europe/Berlin')).toBe(
    '2026-03-29T01:00:00.000Z',
  )
})
