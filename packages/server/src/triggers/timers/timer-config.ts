import { CloudError } from '@nearcloud/protocol'
import { misconfigured } from '../../functions/function-config.ts'
import { parseCron, type Schedule } from './cron.ts'
import { type Zone, zoneNamed } from './zone.ts'

export interface TimerConfig {
  /** As written. */
  readonly expression: string
  readonly schedule: Schedule
  readonly zone: Zone
  /** Of slots that nobody was there for: the last one is made up for, or none. */
  readonly missed: 'once' | 'skip'
  /** May it run again while it still runs? */
  readonly overlap: boolean
  /** What the function gets as `event.Message`. */
  readonly message: string
}

/** `{"type": "timer", "config": "0 0 2 1 * * *"}`, and what else a timer may be told. */
export function readTimerConfig(
  file: string,
  place: string,
  declared: Readonly<Record<string, unknown>>,
): TimerConfig {
  const { config: expression, timeZone = 'UTC+8', missed = 'once', overlap = false, message = '' } = declared
  if (typeof expression !== 'string')
    throw misconfigured(file, `${place}.config`, 'must be a text such as "0 0 2 1 * * *"')
  if (typeof timeZone !== 'string')
    throw misconfigured(file, `${place}.timeZone`, 'must be a text such as "UTC+8"')
  if (missed !== 'once' && missed !== 'skip')
    throw misconfigured(file, `${place}.missed`, 'must be "once" or "skip"')
  if (typeof overlap !== 'boolean') throw misconfigured(file, `${place}.overlap`, 'must be true or false')
  if (typeof message !== 'string') throw misconfigured(file, `${place}.message`, 'must be a text')
  const schedule = reading(file, `${place}.config`, () => parseCron(expression))
  const zone = reading(file, `${place}.timeZone`, () => zoneNamed(timeZone))
  return { expression, schedule, zone, missed, overlap, message }
}

function reading<T>(file: string, place: string, read: () => T): T {
  try {
    return read()
  } catch (thrown) {
    if (!(thrown instanceof CloudError)) throw thrown
    throw misconfigured(file, place, `cannot be used: ${thrown.errMsg}`)
  }
}
