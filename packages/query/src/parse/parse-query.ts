import { checkCollectionName, type Json, toJson, type Value } from '@nearcloud/protocol'
import { checkPath } from '../paths.ts'
import type { Direction, Query } from '../types.ts'
import { fieldsToJson, parseFields } from './parse-fields.ts'
import { parseFilter } from './parse-filter.ts'
import { asRecord, asTuple, refuse } from './shapes.ts'

/** A query as a JSON tree for a message; `parseQuery` reads it. */
export function queryToJson(query: Query): Json {
  const tree: { [key: string]: Json } = {
    collection: query.collection,
    where: toJson(query.where as unknown as Value),
    orderBy: query.orderBy.map(([path, direction]) => [path, direction]),
    skip: query.skip,
  }
  if (query.limit !== undefined) tree.limit = query.limit
  if (query.fields !== undefined) tree.fields = fieldsToJson(query.fields)
  return tree
}

/**
 * The query a stranger's tree means. Strict: only the shapes and operators of `types.ts`, at most `limits.filterNodes`
 * tests nested at most `limits.filterDepth` deep, usable paths and names, regular expressions that can be run.
 *
 * Throws INVALID_PARAM (VALUE_REFUSED for a value that cannot be stored).
 */
export function parseQuery(tree: unknown): Query {
  const source = asRecord(tree, 'a query', queryKeys)
  checkCollectionName(source.collection)
  const query = {
    collection: source.collection,
    where: parseFilter(source.where),
    orderBy: parseOrder(source.orderBy),
    skip: parseCount(source.skip, 'skip', 0),
    ...(source.limit !== undefined && { limit: parseCount(source.limit, 'limit', 1) }),
    ...(source.fields !== undefined && { fields: parseFields(source.fields) }),
  }
  return Object.freeze(query)
}

export function parseOrder(tree: unknown): readonly (readonly [string, Direction])[] {
  if (!Array.isArray(tree) || tree.length > maxOrders)
    throw refuse(`orderBy is a list of at most ${maxOrders} paths with their directions`)
  const orders = tree.map((each: unknown) => {
    const [path, direction, ...more] = asTuple(each, 'an order')
    checkPath(path)
    if ((direction !== 'asc' && direction !== 'desc') || more.length > 0) throw refuse('排序字符不合法')
    return Object.freeze([path, direction] as const)
  })
  return Object.freeze(orders)
}

function parseCount(tree: unknown, name: string, least: number): number {
  if (!Number.isSafeInteger(tree) || (tree as number) < least)
    throw refuse(`${name} must be an integer, ${least} or more`)
  return tree as number
}

const queryKeys = ['collection', 'where', 'orderBy', 'skip', 'limit', 'fields']
const maxOrders = 32
