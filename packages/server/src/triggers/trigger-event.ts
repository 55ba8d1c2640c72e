import type { Value } from '@nearcloud/protocol'
import { differenceOf } from '@nearcloud/query'
import type { Change, DataType } from '../commit/change.ts'
import type { Opening } from '../engine/engine.ts'
import { eventOf } from './trigger-config.ts'

const cloudTypes: Readonly<Record<DataType, 'insert' | 'update' | 'delete'>> = {
  add: 'insert',
  update: 'update',
  replace: 'update',
  remove: 'delete',
}

/**
 * Names one change for ever: a function that gets an id twice got the same event twice. `openings` of the history: the one
 * that made the version is part of the name, since a history that was put back has other changes under the same numbers.
 */
export function eventId(
  openings: readonly Opening[],
  { version, ordinal }: Pick<Change, 'version' | 'ordinal'>,
): string {
  const madeBy = openings.filter(({ start }) => start < version).at(-1) ?? openings[0]
  return `${madeBy?.epoch}-${version}-${ordinal}`
}

/**
 * What a trigger's function gets: a CloudEvent, and `dataList` with the same facts in the words of the mini program's
 * API. `doc` is the document afterwards, for a removal the one that was removed.
 *
 * `updatedFields` has new values by dotted path, `removedFields` the paths that are gone.
 */
export function triggerEvent(env: string, id: string, change: Change): { readonly [key: string]: Value } {
  const { collection, id: docId, dataType, before, after } = change
  const doc = after ?? before ?? null
  const { updatedFields, removedFields } = (before && after && differenceOf(before, after)) ?? nothing
  return {
    specversion: '1.0',
    id,
    source: `tcb/database.local.${env}.${collection}`,
    type: `com.tcb.database.${cloudTypes[dataType]}`,
    subject: `${collection}/${docId}`,
    datacontenttype: 'application/json',
    time: new Date(change.time).toISOString(),
    data: { docId, doc, dataType: cloudTypes[dataType], updatedFields, RemovedFields: removedFields },
    dataList: [
      { doc, docId, dataType: eventOf[dataType], updateFields: updatedFields, updatedFields, removedFields },
    ],
  }
}

const nothing = { updatedFields: {}, removedFields: [] }
