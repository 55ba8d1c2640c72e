import type { Value } from '@nearcloud/protocol'
import { clausesOf, type Query, queryToJson } from '@nearcloud/query'

/**
 * The query to follow so that `query` can be answered here: whole documents, and no order unless a limit or a skip makes
 * it matter. A query for one `_id` needs no window.
 */
export function followedQuery(query: Query): Query {
  const { collection, where, orderBy, skip, limit } = query
  if (skip === 0 && (limit === undefined || isOfOneId(query)))
    return { collection, where, orderBy: [], skip: 0 }
  return { collection, where, orderBy, skip, ...(limit !== undefined && { limit }) }
}

/** It has a limit or a skip: which documents are in it, only the server knows. */
export function isWindowed(query: Query): boolean {
  return query.skip > 0 || query.limit !== undefined
}

/** Names a query: equal texts, equal questions. */
export function keyOf(query: Query): string {
  return JSON.stringify(queryToJson(query))
}

function isOfOneId(query: Query): boolean {
  return clausesOf(query.where).some(
    clause =>
      clause[0] === 'field' && clause[1] === '_id' && clause[2][0] === 'eq' && isId(clause[2][1] as Value),
  )
}

function isId(value: Value): boolean {
  return typeof value === 'string' || typeof value === 'number'
}
