import type { DocId, Version } from '@nearcloud/protocol'
import type { Actor } from '../actor.ts'
import { type Change, changeOf, type DataType } from '../commit/change.ts'
import type { StoredRow } from './engine.ts'
import { keyOfStored } from './text-key.ts'

/** A document as a statement gives it. */
export interface RawRow {
  id: DocId
  version: number
  text: string
  stamps: string
}

/** An environment as a statement gives it. */
export interface RawEnvironment {
  head: number
  horizon: number
  /** Bytes of documents' texts, and of history. */
  documents: number
  history: number
}

export interface RawVersion {
  id: DocId
  version: number
}

/** A change as the log's statement gives it. */
export interface RawChange {
  version: number
  ordinal: number
  collection: string
  id: DocId
  before: string | null
  after: string | null
  data_type: DataType
  actor: string
  client: string | null
  time: number
}

export function storedRow(row: RawRow): StoredRow {
  return { id: keyOfStored(row.id), version: row.version, text: row.text, stamps: row.stamps }
}

export function versionRow({ id, version }: RawVersion): readonly [DocId, Version] {
  return [keyOfStored(id), version]
}

export function changeOfRow(row: RawChange): Change {
  return changeOf({
    version: row.version,
    ordinal: row.ordinal,
    collection: row.collection,
    id: keyOfStored(row.id),
    beforeText: row.before,
    afterText: row.after,
    dataType: row.data_type,
    actor: JSON.parse(row.actor) as Actor,
    client: row.client,
    time: row.time,
  })
}
