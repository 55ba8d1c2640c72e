import { checkDocId, type DocId, type DocumentData, type Write } from '@nearcloud/protocol'
import { checkWrite } from '../update/check-write.ts'
import type { DatabaseOptions } from './database.ts'
import { changesFrom, fieldsFrom, refuseOwner } from './update-data.ts'

/** Which document, by its collection and id. */
export interface Place {
  readonly collection: string
  readonly id: DocId
}

/** What `add({ data })` asks: a document with `data._id` or a fresh one. Throws for data that cannot be stored. */
export function addition(collection: string, data: unknown, options: DatabaseOptions): Write {
  const fields: { [key: string]: DocumentData[string] } = { ...fieldsFrom(data) }
  const id = fields._id === undefined ? options.newId() : fields._id
  checkDocId(id)
  delete fields._id
  if (options.side === 'client') refuseOwner(fields)
  return { op: 'add', collection, id, data: Object.freeze(fields) }
}

/** What `doc(id).set({ data })` asks. Throws for data that cannot be stored. */
export function replacement(place: Place, data: unknown, { side }: DatabaseOptions): Write {
  const fields = fieldsFrom(data)
  if (side === 'client') refuseOwner(fields)
  const write = { op: 'set' as const, ...place, data: fields }
  checkWrite(write)
  return write
}

/** What `doc(id).update({ data })` asks. Throws for changes that cannot be made. */
export function update(place: Place, data: unknown, { side }: DatabaseOptions): Write {
  return { op: 'update', ...place, changes: changesFrom(data, side) }
}

export function removal(place: Place): Write {
  return { op: 'remove', ...place }
}
