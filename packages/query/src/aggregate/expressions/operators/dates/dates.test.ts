import { expect, test, vi } from 'vitest'
import { command } from '../../../../builder/commands.ts'
import { computed } from '../../../../testing/computed.ts'

const $ = command.aggregate
const utc = (text: string) => new Date(text)
const partNames = [
  'year',
  'month',
  'dayOfMonth',
  'hour',
  'minute',
  'second',
  'millisecond',
  'dayOfYear',
  'dayOfWeek',
  'week',
  'isoDayOfWeek',
  'isoWeek',
  'isoWeekYear',
] as const
const partsOf = (argument: unknown, document: unknown) =>
  partNames.map(name => computed($[name](argument), document))

test('[EXPR-31] the parts of a date are those of UTC', () => {
  const at = utc('2019-05-14T09:38:51.686Z') // a Tuesday
  expect(partsOf('$at', { at })).toEqual([2019, 5, 14, 9, 38, 51, 686, 134, 3, 19, 2, 20, 2019])
  expect(partsOf(['$at'], { at: utc('1969-12-31T23:59:59.999Z') })).toEqual([
    1969, 12, 31, 23, 59, 59, 999, 365, 4, 52, 3, 1, 1970,
  ])
  expect(partsOf({ date: '$at' }, { at: utc('0000-02-29T00:00:00Z') }).slice(0, 3)).toEqual([0, 2, 29])
})

test('[EXPR-31] weeks are counted from the first Sunday, ISO weeks from the one with the first Thursday', () => {
  const weeks = (day: string) =>
    ['week', 'isoWeek', 'isoWeekYear', 'dayOfWeek', 'isoDayOfWeek'].map(name =>
      computed($[name as 'week']('$at'), { at: utc(day) }),
    )
  expect(weeks('2017-01-01')).toEqual([1, 52, 2016, 1, 7])
  expect(weeks('2016-01-01')).toEqual([0, 53, 2015, 6, 5])
  expect(weeks('2016-12-31')).toEqual([52, 52, 2016, 7, 6])
  expect(weeks('2012-12-31')).toEqual([53, 1, 2013, 2, 1])
})

test('[EXPR-31] a zone is a name or an offset, and is that of the day', () => {
  const hour = (at: string, timezone: unknown) => computed($.hour({ date: '$at', timezone }), { at: utc(at) })
  expect(hour('2017-01-04T15:08:51Z', 'America/New_York')).toBe(10)
  expect(hour('2017-07-04T15:08:51Z', 'America/New_York')).toBe(11)
  expect(hour('2017-07-04T15:08:51Z', 'Asia/Shanghai')).toBe(23)
  expect(hour('2017-07-04T15:08:51Z', '+08')).toBe(23)
  expect(hour('2017-07-04T15:08:51Z', '-0330')).toBe(11)
  expect(hour('2017-07-04T15:08:51Z', '+05:45')).toBe(20)
  expect(hour('2017-07-04T15:08:51Z', 'UTC')).toBe(15)
  // the hours around both changes
  expect(hour('2017-03-12T06:59:59Z', 'America/New_York')).toBe(1)
  expect(hour('2017-03-12T07:00:00Z', 'America/New_York')).toBe(3)
  expect(hour('2017-11-05T05:59:59Z', 'America/New_York')).toBe(1)
  expect(hour('2017-11-05T06:00:00Z', 'America/New_York')).toBe(1)
  expect(partsOf({ date: '$at', timezone: '-01:00' }, { at: utc('2017-01-01T00:30:00Z') })).toEqual([
    2016, 12, 31, 23, 30, 0, 0, 366, 7, 52, 6, 52, 2016,
  ])
})

test('[EXPR-31] of null or nothing, as date or as zone, a part is null; of anything else it fails', () => {
  for (const name of partNames) {
    expect(computed($[name]('$at'), { at: null })).toBe(null)
    expect(computed($[name]('$at'))).toBe(null)
    expect(computed($[name]({ date: '$at', timezone: '$tz' }), { at: utc('2017-01-01') })).toBe(null)
    for (const at of [0, '2017-01-01', [utc('2017-01-01')]])
      expect(() => computed($[name]('$at'), { at })).toThrow(`$.${name} takes a date, not`)
  }
  expect(() => computed($.year({ date: '$at', zone: 'UTC' }))).toThrow(
    '$.year takes { date, timezone? }, no "zone"',
  )
})

test('[EXPR-32] a zone that is none is refused in words that say which there are', () => {
  for (const timezone of ['DoesNotExist', '+8', '+24:00', '08:00', '+08:60', '', 'x'.repeat(10_000)])
    expect(() => computed($.year({ date: '$at', timezone }), { at: utc('2017-01-01') })).toThrow(
      'such as America/New_York or an offset such as +08:00',
    )
  expect(() => computed($.year({ date: '$at', timezone: 8 }), { at: utc('2017-01-01') })).toThrow('not int')
})

test('[EXPR-32] a host without Intl knows UTC and offsets', () => {
  vi.stubGlobal('Intl', undefined)
  try {
    const at = utc('2017-07-04T15:00:00Z')
    expect(computed($.hour({ date: '$at', timezone: '+09:00' }), { at })).toBe(0)
    expect(computed($.hour({ date: '$at', timezone: 'UTC' }), { at })).toBe(15)
    expect(() => computed($.hour({ date: '$at', timezone: 'Europe/Rome' }), { at })).toThrow(
      'this host knows none by name: take an offset such as +08:00',
    )
  } finally {
    vi.unstubAllGlobals()
  }
})

test('[EXPR-33] dateToString writes every specifier', () => {
  const written = (at: string, format: string, timezone?: string) =>
    computed($.dateToString({ date: '$at', format, timezone }), { at: utc(at) })
  expect(written('2017-01-04T15:08:51.911Z', '%Y %m %d %H %M %S %L %j %%')).toBe(
    '2017 01 04 15 08 51 911 004 %',
  )
  expect(written('2017-01-01T15:08:51Z', 'Natural: %Y-W%w-%U, ISO: %G-W%u-%V')).toBe(
    'Natural: 2017-W1-01, ISO: 2016-W7-52',
  )
  expect(written('2017-12-04T15:09:14Z', '%Y-W%w-%U, %G-W%u-%V')).toBe('2017-W2-49, 2017-W1-49')
  expect(written('0045-02-03T00:00:00.007Z', '%Y-%m-%d.%L')).toBe('0045-02-03.007')
  const zoned = (at: string, timezone: string) => written(at, '%Y-%m-%d %H:%M:%S %z (%Z minutes)', timezone)
  expect(zoned('2017-07-04T14:56:42Z', 'UTC')).toBe('2017-07-04 14:56:42 +0000 (0 minutes)')
  expect(zoned('2017-07-04T14:56:42Z', 'America/New_York')).toBe('2017-07-04 10:56:42 -0400 (-240 minutes)')
  expect(zoned('2017-07-04T14:56:42Z', 'Australia/Eucla')).toBe('2017-07-04 23:41:42 +0845 (525 minutes)')
  expect(zoned('1900-07-10T11:41:22Z', 'America/Caracas')).toBe('1900-07-10 07:13:42 -0427 (-267 minutes)')
})

test('[EXPR-33] without a format it is written as ISO text', () => {
  const at = utc('2017-01-04T15:08:51.911Z')
  expect(computed($.dateToString({ date: '$at' }), { at })).toBe('2017-01-04T15:08:51.911Z')
  expect(computed($.dateToString({ date: '$at', timezone: 'America/New_York' }), { at })).toBe(
    '2017-01-04T10:08:51.911Z',
  )
})

test('[EXPR-33] onNull stands for a date that is null or missing; a format or zone that is null makes null', () => {
  const at = utc('2017-01-04T15:08:51.911Z')
  expect(computed($.dateToString({ date: '$none', format: '%Y' }))).toBe(null)
  expect(computed($.dateToString({ date: '$none', onNull: $.concat('no', 'ne') }))).toBe('none')
  expect(computed($.dateToString({ date: '$at', format: '$none', onNull: 1 }), { at })).toBe(null)
  expect(computed($.dateToString({ date: '$at', timezone: null, onNull: 1 }), { at })).toBe(null)
  for (const format of ['%n', '%', 'a%', '%é', '%😀'])
    expect(() => computed($.dateToString({ date: '$at', format }), { at })).toThrow('in a format: take %Y')
  expect(() => computed($.dateToString({ date: '$at', format: 5 }), { at })).toThrow(
    '$.dateToString takes text',
  )
  expect(() => computed($.dateToString({ date: '$at', format: '%'.repeat(2_000) }), { at })).toThrow(
    '1000 characters',
  )
  expect(() => computed($.dateToString({ date: 42 }))).toThrow('takes a date, not int')
  expect(() => computed($.dateToString({ date: '$at', format: '%Y' }), { at: new Date(8e15) })).toThrow(
    '0 to 9999',
  )
})

test('[EXPR-34] dateFromString reads ISO forms', () => {
  const read = (dateString: string, more: object = {}) => computed($.dateFromString({ dateString, ...more }))
  const same: [string, string][] = [
    ['2017-02-08T12:10:40.787Z', '2017-02-08T12:10:40.787Z'],
    ['2017-02-08T12:10:40.787123Z', '2017-02-08T12:10:40.787Z'],
    ['2017-02-08T12:10:40.7', '2017-02-08T12:10:40.700Z'],
    ['2017-02-08 12:10', '2017-02-08T12:10:00.000Z'],
    ['2017-02-08', '2017-02-08T00:00:00.000Z'],
    ['2017/2/8', '2017-02-08T00:00:00.000Z'],
    ['20170208', '2017-02-08T00:00:00.000Z'],
    ['20170208T121040Z', '2017-02-08T12:10:40.000Z'],
    ['2017-039', '2017-02-08T00:00:00.000Z'],
    ['2017-W06-3', '2017-02-08T00:00:00.000Z'],
    ['2017W063T12:00', '2017-02-08T12:00:00.000Z'],
    ['2017-W06', '2017-02-06T00:00:00.000Z'],
    ['2017-02-08T12:10:40+01:30', '2017-02-08T10:40:40.000Z'],
    ['2017-02-08T12:10:40 -0500', '2017-02-08T17:10:40.000Z'],
    ['2017-02-08T12:10:40 UTC', '2017-02-08T12:10:40.000Z'],
    ['2016-02-29', '2016-02-29T00:00:00.000Z'],
    ['0001-01-01', '0001-01-01T00:00:00.000Z'],
  ]
  for (const [text, iso] of same) expect(read(text)).toEqual(utc(iso))
  expect(read('2017-02-08T12:10:40.787', { timezone: 'America/New_York' })).toEqual(
    utc('2017-02-08T17:10:40.787Z'),
  )
  expect(read('2017-02-08', { timezone: '+08' })).toEqual(utc('2017-02-07T16:00:00Z'))
})

test('[EXPR-34] what is no date, or no date that exists, is refused, or is what onError says', () => {
  const texts = [
    '',
    '2017',
    '2017-13-01',
    '2017-02-29',
    '2017-00-10',
    '2017-04-31',
    '2017-02-08T24:00',
    '2017-02-08T12:60',
  ]
  const more = [
    '2017-02-08T12',
    '12:10',
    'tomorrow',
    '2017-02-08Tx',
    '2017-366',
    '2017-000',
    '2017-W53-1',
    '2017-W00-1',
  ]
  const last = [
    '2017-W06-8',
    ' 2017-02-08',
    '2017-02-08 ',
    '2017-02-08T12:10:40+25:00',
    '2017-02-08T12:10:40+01:60',
    '9'.repeat(100_000),
  ]
  for (const dateString of [...texts, ...more, ...last]) {
    expect(() => computed($.dateFromString({ dateString }))).toThrow('$.dateFromString cannot read the date')
    expect(computed($.dateFromString({ dateString, onError: '$$ROOT.e' }), { e: 'bad' })).toBe('bad')
  }
  expect(() => computed($.dateFromString({ dateString: 5 }))).toThrow('$.dateFromString takes text, not int')
  expect(computed($.dateFromString({ dateString: 5, onError: 'bad' }))).toBe('bad')
})

test('[EXPR-34] null has its own word, and an offset does not stand beside a zone', () => {
  expect(computed($.dateFromString({ dateString: '$none' }))).toBe(null)
  expect(computed($.dateFromString({ dateString: null, onNull: 'none', onError: 'bad' }))).toBe('none')
  expect(computed($.dateFromString({ dateString: '2017-02-08', timezone: '$none' }))).toBe(null)
  expect(computed($.dateFromString({ dateString: '2017-02-08', format: null }))).toBe(null)
  const both = { dateString: '2017-02-08T12:10:40Z', timezone: 'Europe/Oslo' }
  expect(() => computed($.dateFromString(both))).toThrow(
    'it has an offset, and "timezone" is given beside it',
  )
  expect(() => computed($.dateFromString({ dateString: '2017', timezone: 'Nowhere', onError: 1 }))).toThrow(
    'no time zone',
  )
})

test('[EXPR-35] with a format the whole text has its form', () => {
  const read = (dateString: string, format: string, more: object = {}) =>
    computed($.dateFromString({ dateString, format, ...more }))
  expect(read('15/06/2018', '%d/%m/%Y')).toEqual(utc('2018-06-15'))
  expect(read('5/6/2018 7h', '%d/%m/%Y %Hh')).toEqual(utc('2018-06-05T07:00:00Z'))
  expect(read('2018 W24 5', '%G W%V %u')).toEqual(utc('2018-06-15'))
  expect(read('2018-166', '%Y-%j')).toEqual(utc('2018-06-15'))
  expect(read('20180615101112.5%', '%Y%m%d%H%M%S.%L%%')).toEqual(utc('2018-06-15T10:11:12.500Z'))
  expect(read('2018-06-15 10:00 +0230', '%Y-%m-%d %H:%M %z')).toEqual(utc('2018-06-15T07:30:00Z'))
  expect(read('2018-06-15 10:00 -90', '%Y-%m-%d %H:%M %Z')).toEqual(utc('2018-06-15T11:30:00Z'))
  expect(read('15.06.2018', '%d.%m.%Y', { timezone: 'Asia/Shanghai' })).toEqual(utc('2018-06-14T16:00:00Z'))
  for (const [text, format] of [
    ['15-06-2018', '%d/%m/%Y'],
    ['15/06/2018x', '%d/%m/%Y'],
    ['06/2018', '%m/%Y'],
    ['31/06/2018', '%d/%m/%Y'],
    ['xx/06/2018', '%d/%m/%Y'],
    ['99/06/2018', '%d/%m/%Y'],
    ['15/06/2018+25:00', '%d/%m/%Y%z'],
    ['15/06/2018+01:70', '%d/%m/%Y%z'],
  ] as const) {
    expect(() => read(text, format)).toThrow('it has not the form of the format')
    expect(read(text, format, { onError: null })).toBe(null)
  }
  expect(() => read('2018', '%U')).toThrow('cannot read "%U" in a format')
})

test('[EXPR-36] dateFromParts puts a date together, in a zone', () => {
  expect(
    computed($.dateFromParts({ year: 2017, month: 2, day: 8, hour: 12, timezone: 'America/New_York' })),
  ).toEqual(utc('2017-02-08T17:00:00Z'))
  expect(computed($.dateFromParts({ year: '$y' }), { y: 2017 })).toEqual(utc('2017-01-01'))
  expect(
    computed(
      $.dateFromParts({ year: 2017, month: 6, day: 7, hour: 8, minute: 9, second: 10, millisecond: 11 }),
    ),
  ).toEqual(utc('2017-06-07T08:09:10.011Z'))
  expect(computed($.dateFromParts({ isoWeekYear: 2017, isoWeek: 6, isoDayOfWeek: 3, hour: 12 }))).toEqual(
    utc('2017-02-08T12:00:00Z'),
  )
  expect(computed($.dateFromParts({ isoWeekYear: 2017 }))).toEqual(utc('2017-01-02'))
  expect(computed($.dateFromParts({ year: 2017, day: '$none' }))).toBe(null)
  expect(computed($.dateFromParts({ year: 2017, timezone: null }))).toBe(null)
})

test('[EXPR-36] parts beyond their range are carried over', () => {
  const made = (parts: object) => computed($.dateFromParts(parts))
  expect(made({ year: 2017, month: 14, day: 1, hour: 12 })).toEqual(utc('2018-02-01T12:00:00Z'))
  expect(made({ year: 2017, month: 0, day: 1 })).toEqual(utc('2016-12-01'))
  expect(made({ year: 2017, month: -11, day: 1 })).toEqual(utc('2016-01-01'))
  expect(made({ year: 2017, month: 2, day: 29 })).toEqual(utc('2017-03-01'))
  expect(made({ year: 2017, day: 0, minute: -1 })).toEqual(utc('2016-12-30T23:59:00Z'))
  expect(made({ isoWeekYear: 2017, isoWeek: 53, isoDayOfWeek: 8 })).toEqual(utc('2018-01-08'))
  expect(made({ year: 2017, second: 86_400 })).toEqual(utc('2017-01-02'))
})

test('[EXPR-36] parts are integers, years from 0 to 9999, and of one kind', () => {
  for (const year of [-1, 10_000])
    expect(() => computed($.dateFromParts({ year }))).toThrow('0 to 9999 as year')
  for (const month of [1.5, '2', Number.NaN, Infinity])
    expect(() => computed($.dateFromParts({ year: 2017, month }))).toThrow('an integer as month')
  expect(() => computed($.dateFromParts({ year: 2017, hour: 2 ** 50 }))).toThrow('as hour')
  expect(() => computed($.dateFromParts({ year: 9999, day: 2 ** 40 }))).toThrow('a date out of range')
  expect(() => computed($.dateFromParts({ year: 2017, isoWeek: 3 }))).toThrow('no "isoWeek"')
  expect(() => computed($.dateFromParts({ isoWeekYear: 2017, month: 3 }))).toThrow('no "month"')
  expect(() => computed($.dateFromParts({ month: 3 }))).toThrow('"year" is missing')
})

test('[EXPR-37] a time that clocks skip is as much later, one that they show twice is the first', () => {
  const inNewYork = (month: number, day: number, hour: number, minute: number) =>
    computed($.dateFromParts({ year: 2017, month, day, hour, minute, timezone: 'America/New_York' }))
  expect(inNewYork(3, 12, 1, 59)).toEqual(utc('2017-03-12T06:59:00Z'))
  expect(inNewYork(3, 12, 2, 30)).toEqual(utc('2017-03-12T07:30:00Z'))
  expect(inNewYork(3, 12, 3, 0)).toEqual(utc('2017-03-12T07:00:00Z'))
  expect(inNewYork(11, 5, 0, 59)).toEqual(utc('2017-11-05T04:59:00Z'))
  expect(inNewYork(11, 5, 1, 30)).toEqual(utc('2017-11-05T05:30:00Z'))
  expect(inNewYork(11, 5, 2, 0)).toEqual(utc('2017-11-05T07:00:00Z'))
  const read = { dateString: '2018-03-25 02:30', timezone: 'Europe/Berlin' }
  expect(computed($.dateFromString(read))).toEqual(utc('2018-03-25T01:30:00Z'))
})

test('[EXPR-36] dateToParts takes a date apart, into weeks when asked', () => {
  const at = utc('2017-01-01T01:29:09.123Z')
  expect(computed($.dateToParts({ date: '$at' }), { at })).toEqual({
    ...{ year: 2017, month: 1, day: 1 },
    ...{ hour: 1, minute: 29, second: 9, millisecond: 123 },
  })
  expect(computed($.dateToParts({ date: '$at', timezone: 'America/New_York' }), { at })).toMatchObject({
    ...{ year: 2016, month: 12, day: 31, hour: 20 },
  })
  expect(computed($.dateToParts({ date: '$at', iso8601: true }), { at })).toEqual({
    ...{ isoWeekYear: 2016, isoWeek: 52, isoDayOfWeek: 7 },
    ...{ hour: 1, minute: 29, second: 9, millisecond: 123 },
  })
  expect(computed($.dateToParts({ date: '$none' }))).toBe(null)
  expect(computed($.dateToParts({ date: '$at', timezone: '$none' }), { at })).toBe(null)
  expect(computed($.dateToParts({ date: '$at', iso8601: null }), { at })).toBe(null)
  expect(() => computed($.dateToParts({ date: '$at', iso8601: 1 }), { at })).toThrow(
    'true or false as "iso8601"',
  )
})
