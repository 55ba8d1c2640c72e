import { CloudError, checkCollectionName, checkDocId, limits, type Room } from '@nearcloud/protocol'

/** The room an app names. Throws INVALID_PARAM. */
export function roomFrom(given: unknown): Room {
  if (typeof given === 'string') {
    if (given !== '' && given.length <= limits.roomBytes) return given
    throw new CloudError('INVALID_PARAM', {
      errMsg: `presence:fail a room's name has 1 to ${limits.roomBytes} characters`,
    })
  }
  const { collection, id } = (given ?? {}) as { collection?: unknown; id?: unknown }
  checkCollectionName(collection)
  checkDocId(id)
  return [collection, id]
}
