import { CloudError, isPlainObject, type Millis, NewText, ServerDate, type Value } from '@nearcloud/protocol'

/**
 * The value with its server dates as dates, `now` plus their offset, and with texts that begin as what they begin with. The
 * same object when it holds none.
 */
export function resolveServerDates(value: Value, now: Millis): Value {
  if (value === null || typeof value !== 'object') return value
  if (value instanceof ServerDate) return dateOf(value, now)
  if (value instanceof NewText) return value.content
  if (Array.isArray(value)) {
    const list = value as readonly Value[]
    let resolved: Value[] | undefined
    for (let i = 0; i < list.length; i++) {
      const item = resolveServerDates(list[i]!, now)
      if (item === list[i]) continue
      resolved ??= [...list]
      resolved[i] = item
    }
    return resolved ? Object.freeze(resolved) : value
  }
  if (!isPlainObject(value)) return value
  let resolved: { [key: string]: Value } | undefined
  for (const key of Object.keys(value)) {
    const item = resolveServerDates(value[key]!, now)
    if (item === value[key]) continue
    resolved ??= { ...value }
    resolved[key] = item
  }
  return resolved ? Object.freeze(resolved) : value
}

function dateOf(date: ServerDate, now: Millis): Date {
  const resolved = new Date(now + date.offset)
  if (Number.isNaN(resolved.getTime()))
    throw new CloudError('INVALID_PARAM', {
      errMsg: `a server date with the offset ${date.offset} is no date`,
    })
  return resolved
}
