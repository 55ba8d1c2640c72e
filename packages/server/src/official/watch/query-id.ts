import { Buffer } from 'node:buffer'
import { limits, parseJson } from '@nearcloud/protocol'
import { type Database, parseQuery, type Query, queryToJson } from '@nearcloud/query'
import { conditionFrom } from '../wire/conditions.ts'
import { readEjson } from '../wire/ejson.ts'
import { fieldsOf, textOf } from '../wire/shapes.ts'

/**
 * A query as the name of its watch: an SDK that comes back says it, and no server has to remember anything. It is read as any
 * stranger's query, and gives no rights.
 */
export function queryIdOf(query: Query): string {
  return Buffer.from(JSON.stringify(queryToJson(query))).toString('base64url')
}

/** Throws INVALID_PARAM, PROTOCOL_ERROR for what is none. */
export function queryOfId(queryId: unknown): Query {
  const text = Buffer.from(textOf(queryId, 'queryID'), 'base64url').toString('utf8')
  return parseQuery(parseJson(text, limits.depth + 3 * limits.filterDepth))
}

/** The query of an INIT_WATCH. Its condition is a text of JSON, of some SDKs a text of such a text. */
export function queryOfWatch(database: Database, data: Readonly<Record<string, unknown>>): Query {
  const { collName, query: said = '', limit, orderBy } = data
  let query = database.collection(textOf(collName, 'collName')).where(conditionFrom(conditionIn(said)))
  const orders = fieldsOf(orderBy ?? {}, 'orderBy')
  for (const path of Object.keys(orders)) query = query.orderBy(path, orders[path] as 'asc' | 'desc')
  return (limit === undefined || limit === null ? query : query.limit(limit as number)).toQuery()
}

function conditionIn(said: unknown): unknown {
  const read = said === '' ? {} : readEjson(textOf(said, 'query'))
  if (typeof read !== 'string') return read
  return read === '' ? {} : readEjson(read)
}
