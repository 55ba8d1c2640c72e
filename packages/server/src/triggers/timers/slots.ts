import type { Millis } from '@nearcloud/protocol'
import { nextOnWall, type Schedule } from './cron.ts'
import { instantOnWall, nextChange, type Zone } from './zone.ts'

/**
 * The first slot behind `after`: the instant at which a timer is due; undefined when there is none any more.
 *
 * Where clocks are set forward, what was due in the hour that is left out is due when they are set, once. Where they are
 * set back, a time that comes twice is due the first time; a timer of every hour goes on in both.
 */
export function nextSlot(schedule: Schedule, zone: Zone, after: Millis): Millis | undefined {
  return schedule.hours.isAny ? nextOfEveryHour(schedule, zone, after) : nextOfDay(schedule, zone, after)
}

/** The last slot in `(after, upTo]`, which has one. */
export function lastSlot(schedule: Schedule, zone: Zone, after: Millis, upTo: Millis): Millis {
  let [low, high] = [after, upTo]
  while (high - low > 1_000) {
    const middle = Math.floor((low + high) / 2)
    if ((nextSlot(schedule, zone, middle) ?? Number.POSITIVE_INFINITY) <= upTo) low = middle
    else high = middle
  }
  return nextSlot(schedule, zone, low)!
}

function nextOfDay(schedule: Schedule, zone: Zone, after: Millis): Millis | undefined {
  for (let wall: Millis | undefined = after + zone.offsetMs(after); ; ) {
    wall = nextOnWall(schedule, wall)
    if (wall === undefined) return undefined
    const instant = instantOnWall(zone, wall)
    if (instant > after) return instant
  }
}

function nextOfEveryHour(schedule: Schedule, zone: Zone, after: Millis): Millis | undefined {
  let offset = zone.offsetMs(after)
  for (let from = after; ; ) {
    const wall = nextOnWall(schedule, from + offset)
    if (wall === undefined) return undefined
    const instant = wall - offset
    if (zone.offsetMs(instant) === offset) return instant
    const to = Math.min(instant, from + longestStepMs)
    // with the clocks as they are, nothing is due before `instant`
    if (zone.offsetMs(to) === offset) from = to
    else {
      const change = nextChange(zone, from, to)
      offset = zone.offsetMs(change)
      from = change - 1
    }
  }
}

/** The offset changes at most once in so long. */
const longestStepMs = 7 * 86_400_000
