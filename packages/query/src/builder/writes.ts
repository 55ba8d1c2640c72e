import { checkDocId, type DocId, type DocumentData, type Write } from '@nearcloud/protocol'
import { checkWrite } from '../update/check-write.ts'
import type { DatabaseOptions } from './database.ts'
import { changesFrom, fieldsFrom, refuseOwner } from './update-data.ts'

/** Which document. */
export interface Place {
  readonly collection: string
  readonly id: DocId
}

/** What `add({ data })` asks: a document with `data._id` or a fresh one. Throws for data that cannot be stored. */
export function addition(collection: string, data: unknown, options: DatabaseOptions): Write {
  const { _id, ...fields }: { [key: string]: DocumentData[string] } = { ...fieldsFrom(data) }
  const id = _id === undefined ? options.newId() : _id
  checkDocId(id)
  if (options.side === 'client') refuseOwner(fields)
  return { op: 'add', collection, id, data: Object.freeze(fields) }
}

/** What `doc(id).set({ data })` asks, or `add` of this id. Throws for data that cannot be stored. */
export function storing(
  op: 'add' | 'set',
  { collection, id }: Place,
  data: unknown,
  { side }: Pick<DatabaseOptions, 'side'>,
): Write {
  const fields = fieldsFrom(data)
  if (side === 'client') refuseOwner(fields)
  const write = { op, collection, id, data: fields }
  checkWrite(write)
  return write
}

/** What `doc(id).update({ data })` asks. Throws for changes that cannot be made. */
export function update(
  { collection, id }: Place,
  data: unknown,
  { side }: Pick<DatabaseOptions, 'side'>,
): Write {
  return { op: 'update', collection, id, changes: changesFrom(data, side) }
}

export function removal({ collection, id }: Place): Write {
  return { op: 'remove', collection, id }
}
