import { dayMs, dayNumber, localTime } from './calendar.ts'

/** Where clocks show the same. */
export interface TimeZone {
  /** Milliseconds that clocks are ahead of UTC at an instant (milliseconds since 1970). */
  offsetAt(instant: number): number
}

export const utc: TimeZone = Object.freeze({ offsetAt: () => 0 })

/**
 * The zone of a name (`America/New_York`) or an offset (`+08`, `+0800`, `+08:00`); undefined when there is none. A host without
 * `Intl` knows UTC and offsets alone.
 */
export function timeZoneOf(name: string): TimeZone | undefined {
  if (name === 'UTC' || name === 'GMT' || name === 'Z') return utc
  if (name.length > 100) return undefined
  const key = name.toLowerCase() // names are the same in any case, so that there are not many
  const known = zones.get(key)
  if (known) return known
  const zone = fixedZone(name) ?? namedZone(name)
  if (!zone) return undefined
  if (zones.size >= mostZones) zones.clear()
  zones.set(key, zone)
  return zone
}

export function hostHasZones(): boolean {
  return typeof Intl === 'object' && typeof Intl.DateTimeFormat === 'function'
}

/** Of `+08`, `+0800`, `+08:00`: milliseconds; undefined for anything else. */
export function offsetOf(text: string): number | undefined {
  const [, sign, hours, minutes = '0'] = /^([+-])([01]\d|2[0-3])(?::?([0-5]\d))?$/.exec(text) ?? []
  if (hours === undefined) return undefined
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000
}

/**
 * The instant at which clocks show a local time. What they show twice is the first of both; what they skip is as much later as
 * they skip.
 */
export function instantOf(local: number, zone: TimeZone): number {
  if (zone === utc) return local
  const before = zone.offsetAt(local - dayMs)
  for (const offset of [before, zone.offsetAt(local + dayMs)])
    if (zone.offsetAt(local - offset) === offset) return local - offset
  return local - before
}

const zones = new Map<string, TimeZone>()
const mostZones = 1_000

function fixedZone(name: string): TimeZone | undefined {
  const offset = offsetOf(name)
  return offset === undefined ? undefined : Object.freeze({ offsetAt: () => offset })
}

function namedZone(name: string): TimeZone | undefined {
  if (!hostHasZones()) return undefined
  try {
    return new HostZone(name)
  } catch {
    return undefined // the host's way to say that it has no such zone
  }
}

/** A zone as the host's `Intl` knows it. Asking is slow, so that days without a change are remembered. */
class HostZone implements TimeZone {
  readonly #format: Intl.DateTimeFormat
  readonly #offsetByDay = new Map<number, number>()

  constructor(name: string) {
    this.#format = new Intl.DateTimeFormat('en-US-u-ca-gregory-nu-latn', {
      timeZone: name,
      hourCycle: 'h23',
      ...{ era: 'short', year: 'numeric', month: 'numeric', day: 'numeric' },
      ...{ hour: 'numeric', minute: 'numeric', second: 'numeric' },
    })
  }

  offsetAt(instant: number): number {
    const day = Math.floor(instant / dayMs)
    const known = this.#offsetByDay.get(day)
    if (known !== undefined) return known
    const offset = this.#ask(day * dayMs)
    if (offset !== this.#ask((day + 1) * dayMs)) return this.#ask(instant)
    if (this.#offsetByDay.size >= mostDays) this.#offsetByDay.clear()
    this.#offsetByDay.set(day, offset)
    return offset
  }

  #ask(instant: number): number {
    const second = Math.floor(Math.min(Math.max(instant, -mostMs), mostMs) / 1_000) * 1_000
    const shown = new Map<string, string>()
    for (const { type, value } of this.#format.formatToParts(second)) shown.set(type, value)
    const part = (name: string) => Number(shown.get(name))
    const year = shown.get('era')?.startsWith('B') ? 1 - part('year') : part('year')
    const clock = { hour: part('hour'), minute: part('minute'), second: part('second'), millisecond: 0 }
    return localTime(dayNumber(year, part('month'), part('day')), clock) - second
  }
}

const mostDays = 10_000
/** The last instant a date can hold. */
const mostMs = 8.64e15
