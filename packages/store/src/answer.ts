import type { DocId, Document } from '@nearcloud/protocol'
import { compileProjection, type Read } from '@nearcloud/query'
import type { Collection } from './collection.ts'
import { countMatching, find, findAmong } from './find.ts'
import type { Outbox } from './outbox.ts'
import { membersOf } from './window.ts'

/** `Store.run` over one collection. */
export function answer(
  collection: Collection,
  outbox: Outbox,
  run: Read,
  within: ReadonlySet<DocId> | undefined,
): { documents: readonly Document[]; total: number } {
  const { verb, query } = run
  if (verb === 'count')
    return {
      documents: [],
      total: within ? among(collection, outbox, run, within).length : countMatching(collection, query),
    }
  const documents = within ? among(collection, outbox, run, within) : find(collection, query).documents
  return {
    documents: query.fields ? documents.map(compileProjection(query.fields)) : documents,
    total: documents.length,
  }
}

/** What the query skips is not in its window. */
function among(
  collection: Collection,
  outbox: Outbox,
  { verb, query }: Read,
  within: ReadonlySet<DocId>,
): readonly Document[] {
  const candidates: Document[] = []
  for (const id of membersOf(query, within, outbox)) {
    const document = collection.get(id)
    if (document) candidates.push(document)
  }
  const { limit, ...whole } = query
  return findAmong(candidates, { ...whole, skip: 0, ...(verb === 'get' && limit !== undefined && { limit }) })
}
