import type { Write } from '@nearcloud/protocol'
import type { Committed } from '@nearcloud/query'
import type { CommitReceipt, Store } from '@nearcloud/store'

/** A write, and what became of its document. */
export interface Made {
  readonly existed: boolean
  readonly exists: boolean
  readonly write: Write
}

/** As it was here. An assignment of a text was made an edit beside the rest of its update: it is one change of one document. */
export function madeBy({ applied, mutation: { writes } }: CommitReceipt): readonly Made[] {
  return writes.flatMap((write, n) => (isBeside(writes[n - 1], write) ? [] : { ...applied[n]!, write }))
}

/** As it was for the server, which has accepted it: an update found what was there, whatever was here. */
export function asFound(made: Made, superseded: readonly string[], store: Pick<Store, 'get'>): Made {
  const { op, collection, id } = made.write
  if (op !== 'update') return made
  if (superseded.includes(`${collection}/${id}`)) return { ...made, existed: false, exists: false }
  return store.get(collection, id) ? { ...made, existed: true, exists: true } : made
}

export function countOf(made: readonly Made[]): Pick<Committed, 'updated' | 'removed' | 'created'> {
  const touched = { updated: 0, removed: 0, created: 0 }
  for (const { existed, exists } of made) {
    if (existed && exists) touched.updated++
    else if (existed) touched.removed++
    else if (exists) touched.created++
  }
  return touched
}

function isBeside(before: Write | undefined, write: Write): boolean {
  return write.op === 'text' && before?.collection === write.collection && before.id === write.id
}
