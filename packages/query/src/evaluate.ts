import type { Document } from '@nearcloud/protocol'
import { compileFilter } from './match/compile.ts'
import { compileProjection } from './project.ts'
import { compileOrder, firstInOrder } from './sort.ts'
import type { Query } from './types.ts'

/** The answer to a query over these documents: filter, order, skip, limit, projection. */
export function evaluate(query: Query, documents: Iterable<Document>): Document[] {
  const matches = compileFilter(query.where)
  const found: Document[] = []
  for (const document of documents) if (matches(document)) found.push(document)
  const end = query.limit === undefined ? Infinity : query.skip + query.limit
  const answer = firstInOrder(found, compileOrder(query), end).slice(query.skip)
  return query.fields ? answer.map(compileProjection(query.fields)) : answer
}
