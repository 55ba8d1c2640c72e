import { type Document, isPlainObject, type Value } from '@nearcloud/protocol'
import { equalValues } from '@nearcloud/query'
import type { Change, DataType } from '../commit/change.ts'
import { eventOf } from './trigger-config.ts'

const cloudTypes: Readonly<Record<DataType, 'insert' | 'update' | 'delete'>> = {
  add: 'insert',
  update: 'update',
  replace: 'update',
  remove: 'delete',
}

/** Names one change for ever: a function that gets an id twice got the same event twice. */
export function eventId(epoch: string, change: Pick<Change, 'version' | 'ordinal'>): string {
  return `${epoch}-${change.version}-${change.ordinal}`
}

/**
 * What a trigger's function gets: a CloudEvent, and `dataList` with the same facts in the words of the mini program's
 * API. `doc` is the document afterwards, for a removal the one that was removed.
 *
 * `updatedFields` has new values by dotted path, `removedFields` the paths that are gone.
 */
export function triggerEvent(env: string, epoch: string, change: Change): { readonly [key: string]: Value } {
  const { collection, id: docId, dataType, before, after } = change
  const doc = after ?? before ?? null
  const { updatedFields, removedFields } = before && after ? difference(before, after) : nothing
  return {
    specversion: '1.0',
    id: eventId(epoch, change),
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

interface Difference {
  readonly updatedFields: { readonly [path: string]: Value }
  readonly removedFields: readonly string[]
}

const nothing: Difference = { updatedFields: {}, removedFields: [] }

function difference(before: Document, after: Document): Difference {
  const updatedFields: { [path: string]: Value } = {}
  const removedFields: string[] = []

  function walk(
    old: { readonly [key: string]: Value },
    now: { readonly [key: string]: Value },
    prefix: string,
  ) {
    for (const key of Object.keys(old)) if (!Object.hasOwn(now, key)) removedFields.push(prefix + key)
    for (const [key, value] of Object.entries(now)) {
      const earlier = Object.hasOwn(old, key) ? old[key] : undefined
      if (isPlainObject(earlier) && isPlainObject(value)) walk(earlier, value, `${prefix}${key}.`)
      else if (earlier === undefined || !equalValues(earlier, value)) updatedFields[prefix + key] = value
    }
  }

  walk(before, after, '')
  return { updatedFields, removedFields }
}
