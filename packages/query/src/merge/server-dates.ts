import { CloudError, isPlainObject, type Millis, NewText, ServerDate, type Value } from '@nearcloud/protocol'

/**
 * The value with its server dates as dates, `now` plus their offset, and with texts that begin as what they begin with. The
 * same object when it holds none.
 */
export function resolveServerDates(value: Value, now: Millis): Value {
  if (value instanceof ServerDate) return dateOf(value, now)
  if (value instanceof NewText) return value.content
  if (Array.isArray(value)) {
    const list = value as readonly Value[]
    const resolved = list.map(each => resolveServerDates(each, now))
    return resolved.some((each, i) => each !== list[i]) ? Object.freeze(resolved) : value
  }
  if (!isPlainObject(value)) return value
  const resolved: { [key: string]: Value } = {}
  let changed = false
  for (const key of Object.keys(value)) {
    resolved[key] = resolveServerDates(value[key]!, now)
    changed ||= resolved[key] !== value[key]
  }
  return changed ? Object.freeze(resolved) : value
}

function dateOf(date: ServerDate, now: Millis): Date {
  const resolved = new Date(now + date.offset)
  if (Number.isNaN(resolved.getTime()))
    throw new CloudError('INVALID_PARAM', {
      errMsg: `a server date with the offset ${date.offset} is no date`,
    })
  return resolved
}
