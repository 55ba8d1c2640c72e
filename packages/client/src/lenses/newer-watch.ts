import type { DocId, Document } from '@nearcloud/protocol'
import {
  compileProjection,
  type DocChange,
  type DocumentChange,
  differenceOf,
  type Query,
  ResultSet,
  type Snapshot,
  type WatchObserver,
} from '@nearcloud/query'

type Seen = (stored: Document) => Document

/** Tells `observer` of stored documents that match as they are seen. */
export function newerWatch(query: Query, observer: WatchObserver, up: Seen): WatchObserver {
  const project = query.fields ? compileProjection(query.fields) : undefined
  const see: Seen = project ? stored => project(up(stored)) : up
  const shown = new Map<DocId, Document>()
  const tell = inOrder(observer)

  function seenChange(change: DocChange): DocChange | undefined {
    const { updatedFields, removedFields, ...others } = change
    const doc = see(change.doc)
    const before = shown.get(change.docId)
    if (change.queueType === 'dequeue') shown.delete(change.docId)
    else shown.set(change.docId, doc)
    if (change.queueType !== 'update') return { ...others, doc }
    const difference = before && differenceOf(before, doc)
    return difference && { ...others, doc, ...difference }
  }

  return {
    error: error => observer.error(error),
    next({ type, docs, docChanges }) {
      const changes = docChanges.flatMap(change => seenChange(change) ?? [])
      tell({ ...(type && { type }), docs: docs.map(see), docChanges: changes })
    },
  }
}

/** The same of a wider query: what of it matches as it is seen is found here. */
export function narrowedWatch(query: Query, observer: WatchObserver, up: Seen): WatchObserver {
  const result = new ResultSet(query)
  const all = new Map<DocId, Document>()
  const tell = inOrder(observer)
  return {
    error: error => observer.error(error),
    next({ type, docs, docChanges }) {
      if (type === 'init') {
        for (const doc of docs) all.set(doc._id, up(doc))
        const found = result.reset(all.values())
        const init = { queueType: 'init', dataType: 'init' } as const
        const begun = found.map((doc, id): DocChange => ({ id, ...init, docId: doc._id, doc }))
        tell({ type, docs: found, docChanges: begun })
        return
      }
      const changes = docChanges.map(({ docId, doc, queueType, dataType }): DocumentChange => {
        const before = all.get(docId) ?? null
        const after = queueType === 'dequeue' ? null : up(doc)
        if (after) all.set(docId, after)
        else all.delete(docId)
        return {
          id: docId,
          before,
          after,
          dataType: dataType === 'init' || dataType === 'limit' ? 'update' : dataType,
        }
      })
      const told = result.change(changes, () => all.values())
      tell({ docs: result.documents, docChanges: told })
    },
  }
}

/** Snapshots and the changes in each are numbered; where nothing is seen to change nothing is told. */
function inOrder(observer: WatchObserver): (snapshot: Omit<Snapshot, 'id'>) => void {
  let count = 0
  return ({ docChanges, ...snapshot }) => {
    if (docChanges.length === 0 && snapshot.type === undefined) return
    observer.next({
      ...snapshot,
      id: count++,
      docChanges: docChanges.map((change, id) => ({ ...change, id })),
    })
  }
}
