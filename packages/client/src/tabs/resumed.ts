import { type DocumentChange, equalValues, type Query, ResultSet, type Snapshot } from '@nearcloud/query'

/** What a watch says that was begun anew: how what it showed last became what there is now; undefined when it is the same. */
export function resumed(query: Query, last: Snapshot, now: Snapshot): Snapshot | undefined {
  const before = new Map(last.docs.map(document => [document._id, document]))
  const after = new Map(now.docs.map(document => [document._id, document]))
  const changes: DocumentChange[] = []
  for (const [id, document] of before)
    if (!after.has(id)) changes.push({ id, before: document, after: null, dataType: 'remove' })
  for (const [id, document] of after) {
    const known = before.get(id)
    if (!known) changes.push({ id, before: null, after: document, dataType: 'add' })
    else if (!equalValues(known, document))
      changes.push({ id, before: known, after: document, dataType: 'update' })
  }
  const isMoved = last.docs.some(({ _id }, at) => now.docs[at]?._id !== _id)
  if (changes.length === 0 && !isMoved) return undefined
  const { collection, orderBy } = query
  const all = new ResultSet({ collection, where: ['and', []], orderBy, skip: 0 })
  all.reset(last.docs)
  const docChanges = all.change(changes, () => now.docs)
  return { id: 0, docs: now.docs, docChanges }
}
