import { CloudError, type Millis } from '@nearcloud/protocol'

/** How far the clocks on the walls of a place are from UTC. */
export interface Zone {
  readonly name: string
  /** What a wall shows at this instant, as if it were UTC, minus the instant. */
  offsetMs(instant: Millis): Millis
}

/**
 * `UTC`, `UTC+8`, `UTC-03:30`, or a name like `Europe/Berlin`, with its daylight changes as the machine knows them. Throws
 * INVALID_PARAM.
 */
export function zoneNamed(name: string): Zone {
  const fixed = /^UTC(?:([+-])(\d{1,2})(?::?(\d{2}))?)?$/.exec(name)
  if (fixed) {
    const [, sign, hours = '0', minutes = '0'] = fixed
    const offset = (Number(hours) * 60 + Number(minutes)) * 60_000 * (sign === '-' ? -1 : 1)
    if (Number(hours) > 14 || Number(minutes) > 59) throw unknown(name)
    return { name, offsetMs: () => offset }
  }
  let format: Intl.DateTimeFormat
  try {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
  } catch {
    throw unknown(name)
  }
  return { name, offsetMs: instant => offsetBy(format, instant) }
}

/**
 * The first instant at which walls show this or more. Where clocks are set forward over it that is the moment of setting
 * them; where they are set back it is the first of two.
 */
export function instantOnWall(zone: Zone, wall: Millis): Millis {
  const [before, after] = [zone.offsetMs(wall - dayMs), zone.offsetMs(wall + dayMs)]
  const found = [wall - Math.max(before, after), wall - Math.min(before, after)].find(
    instant => instant + zone.offsetMs(instant) === wall,
  )
  return found ?? nextChange(zone, wall - Math.max(before, after), wall - Math.min(before, after))
}

/** The first instant in `(from, to]` with the offset that `to` has; the offset changes once between them. */
export function nextChange(zone: Zone, from: Millis, to: Millis): Millis {
  const offset = zone.offsetMs(to)
  let [low, high] = [from, to]
  while (high - low > 1_000) {
    const middle = Math.floor((low + high) / 2_000) * 1_000
    if (middle <= low) break
    if (zone.offsetMs(middle) === offset) high = middle
    else low = middle
  }
  return high
}

function offsetBy(format: Intl.DateTimeFormat, instant: Millis): Millis {
  const parts: { [type: string]: number } = {}
  for (const { type, value } of format.formatToParts(instant)) parts[type] = Number(value)
  const { year, month, day, hour, minute, second } = parts
  const wall = Date.UTC(year!, month! - 1, day, hour, minute, second)
  return wall - Math.floor(instant / 1_000) * 1_000
}

function unknown(name: string): CloudError {
  return new CloudError('INVALID_PARAM', {
    errMsg: `"${name.slice(0, 64)}" is no time zone: "UTC+8", or a name like "Asia/Shanghai"`,
  })
}

const dayMs = 86_400_000
