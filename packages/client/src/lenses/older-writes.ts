import { CloudError, type Document, type Write } from '@nearcloud/protocol'
import {
  applyWrite,
  type Commit,
  type Committed,
  checkWrite,
  type Executor,
  type Query,
} from '@nearcloud/query'
import { queryOf, type Shape } from './shape.ts'
import { refuse } from './step.ts'

/** What to ask for instead: perhaps nothing, when nothing would change. `unchanged`: documents that are as they were asked to be. */
export interface OlderCommit {
  readonly commit: Commit | undefined
  readonly unchanged: readonly Document['_id'][]
}

export type Writing = Extract<Commit, { readonly writes: readonly Write[] }>

export interface Surroundings {
  readonly stored: Pick<Executor, 'run'>
  shapeOf(collection: string): Shape | undefined
  now(): number
}

/** The write as it is stored; undefined when the document has to be looked at. Throws INVALID_PARAM. */
export function olderWrite(write: Write, shape: Shape | undefined): Write | undefined {
  if (!shape) return write
  switch (write.op) {
    case 'set':
      return shape.isHiding ? undefined : { ...write, data: shape.down(write.data) }
    case 'add':
      return { ...write, data: shape.down(write.data) }
    case 'update': {
      const changes = shape.changes(write.changes)
      return changes && { ...write, changes }
    }
    case 'text':
      return { ...write, path: shape.place(write.path) }
    case 'remove':
      return write
  }
}

/** Writes of documents that are looked at where that is needed. `known`: those that were looked at already. */
export async function olderWrites(
  { writes, ...options }: Writing,
  { stored, shapeOf, now }: Surroundings,
  known: readonly Document[] = [],
): Promise<OlderCommit> {
  const there = new Map<string, Document | null>()
  const keyOf = ({ collection, id }: Pick<Write, 'collection' | 'id'>) => JSON.stringify([collection, id])
  const [first] = writes
  for (const doc of known) there.set(keyOf({ collection: first!.collection, id: doc._id }), doc)
  for (const write of writes) {
    if (there.has(keyOf(write)) || olderWrite(write, shapeOf(write.collection))) continue
    there.set(keyOf(write), await documentOf(write, stored))
  }
  const older: Write[] = []
  const unchanged: Document['_id'][] = []
  for (const write of writes) {
    const doc = there.get(keyOf(write))
    const asked = doc === undefined ? olderWrite(write, shapeOf(write.collection)) : madeOf(write, doc)
    if (!asked) continue
    if (asked.op === 'update' && asked.changes.length === 0) {
      unchanged.push(write.id)
      continue
    }
    checkWrite(asked)
    older.push(asked)
    if (doc !== undefined) there.set(keyOf(write), afterwards(asked, doc))
  }
  return { commit: older.length > 0 ? { writes: older, ...options } : undefined, unchanged }

  /** Nothing for an update of what does not exist. */
  function madeOf(write: Write, doc: Document | null): Write | undefined {
    const shape = shapeOf(write.collection)!
    if (write.op === 'set') return shape.set(write, doc)
    if (write.op !== 'update') return olderWrite(write, shape)
    return doc ? { ...write, changes: shape.changesOf(doc, write.changes, now()) } : undefined
  }

  function afterwards(write: Write, doc: Document | null): Document | null {
    const context = { base: Number.POSITIVE_INFINITY, time: now(), version: 1, now: now() }
    try {
      return applyWrite(doc && { doc, stamps: {} }, write, context).after?.doc ?? null
    } catch {
      return doc // whoever carries it out refuses all of it
    }
  }
}

async function documentOf(
  { collection, id }: Pick<Write, 'collection' | 'id'>,
  stored: Pick<Executor, 'run'>,
): Promise<Document | null> {
  const query: Query = queryOf(collection, id)
  const { documents, fromCache } = await stored.run({ verb: 'get', query })
  if (documents.length > 0 || !fromCache) return documents[0] ?? null
  throw new CloudError('OFFLINE', {
    errMsg: `lenses: ${collection}/${String(id)} is not on this device: it has to be looked at for this write`,
    details: { reason: 'lens', collection, id },
  })
}

export function withUnchanged(committed: Committed | undefined, { unchanged }: OlderCommit): Committed {
  if (committed && unchanged.length === 0) return committed
  const { ids, updated, ...others } = committed ?? nothing
  return { ...others, ids: [...ids, ...unchanged], updated: updated + unchanged.length }
}

const nothing: Committed = { ids: [], updated: 0, removed: 0, created: 0, pending: false }

/** Throws INVALID_PARAM for an index of what is not stored by itself. */
export function olderIndex(commit: Commit, shape: Shape | undefined): Commit {
  if (!shape || !('createIndex' in commit)) return commit
  const { keys, ...index } = commit.createIndex
  if (keys.length === 0) throw refuse('an index has keys')
  return {
    ...commit,
    createIndex: { ...index, keys: keys.map(([path, kind]) => [shape.place(path), kind] as const) },
  }
}
