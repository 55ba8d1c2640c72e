import {
  CloudError,
  checkCollectionName,
  fromJson,
  GeoPoint,
  isPlainObject,
  type Json,
  limits,
  RegExpValue,
  ServerDate,
  toJson,
  type Value,
} from '@nearcloud/protocol'
import type { Near } from './geo-near.ts'
import { checkPath, hasOwn } from './paths.ts'
import { isInclusion } from './project.ts'
import { compileRegExp } from './regex/regexp.ts'
import type { Direction, Filter, Query, Test } from './types.ts'

/** A query as a JSON tree for a message; `parseQuery` reads it. */
export function queryToJson(query: Query): Json {
  const tree: { [key: string]: Json } = {
    collection: query.collection,
    where: toJson(query.where as unknown as Value),
    orderBy: query.orderBy.map(([path, direction]) => [path, direction]),
    skip: query.skip,
  }
  if (query.limit !== undefined) tree.limit = query.limit
  if (query.fields !== undefined) tree.fields = { ...query.fields }
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

/** The filter of a tree, alone; as `parseQuery`. */
export function parseFilter(tree: unknown): Filter {
  return filterOf(tree, { nodes: limits.filterNodes, distances: 1 }, 1, true)
}

/** Throws INVALID_PARAM unless the paths can be projected together. */
export function parseFields(tree: unknown): Readonly<Record<string, boolean>> {
  const source = asRecord(tree, 'a projection')
  const paths = Object.keys(source)
  if (paths.length > limits.filterNodes) throw refuse(`more than ${limits.filterNodes} projected fields`)
  const fields: Record<string, boolean> = {}
  for (const path of paths) {
    checkPath(path)
    const wanted = source[path]
    if (typeof wanted !== 'boolean') throw refuse(`field "${path}": true or false is expected`)
    fields[path] = wanted
  }
  const including = isInclusion(fields)
  for (const path of paths) {
    if (path !== '_id' && fields[path] !== including)
      throw refuse(`field "${path}": a projection either includes or leaves out, "_id" apart`)
    for (let end = path.lastIndexOf('.'); end > 0; end = path.lastIndexOf('.', end - 1))
      if (hasOwn(fields, path.slice(0, end)))
        throw refuse(`fields "${path.slice(0, end)}" and "${path}" name the same data`)
  }
  return Object.freeze(fields)
}

/** What is left to spend on one filter. */
interface Budget {
  nodes: number
  distances: number
}

/** `conjunct`: every match satisfies it (not inside an alternative or a negation). */
function filterOf(tree: unknown, budget: Budget, depth: number, conjunct: boolean): Filter {
  const [operator, ...rest] = asTuple(tree, 'a filter')
  spend(budget, depth)
  switch (operator) {
    case 'and':
    case 'or':
    case 'nor': {
      const [parts] = rest
      if (rest.length !== 1 || !Array.isArray(parts)) throw refuse(`"${operator}" takes a list of filters`)
      const inner = parts.map(part => filterOf(part, budget, depth + 1, conjunct && operator === 'and'))
      return Object.freeze([operator, Object.freeze(inner)] as const)
    }
    case 'field': {
      const [path, test] = rest
      if (rest.length !== 2) throw refuse('"field" takes a path and a test')
      checkPath(path)
      return Object.freeze([operator, path, testOf(test, budget, depth + 1, conjunct)] as const)
    }
  }
  throw unknownOperator(operator)
}

function testOf(tree: unknown, budget: Budget, depth: number, conjunct: boolean): Test {
  const [operator, ...rest] = asTuple(tree, 'a test')
  spend(budget, depth)
  if (rest.length !== 1) throw refuse(`${shown(operator)} takes exactly one argument`)
  const argument = rest[0]
  switch (operator) {
    case 'eq':
    case 'neq':
      return Object.freeze([operator, operandOf(argument, budget)] as const)
    case 'gt':
    case 'gte':
    case 'lt':
    case 'lte': {
      const operand = operandOf(argument, budget)
      if (operand instanceof RegExpValue) throw refuse(`a regular expression has no order: "${operator}"`)
      return Object.freeze([operator, operand] as const)
    }
    case 'in':
    case 'nin': {
      if (!Array.isArray(argument)) throw refuse(`"${operator}" takes a list`)
      const operands = argument.map(each => operandOf(each, budget))
      return Object.freeze([operator, Object.freeze(operands)] as const)
    }
    case 'exists':
      if (typeof argument !== 'boolean') throw refuse('"exists" takes true or false')
      return Object.freeze([operator, argument] as const)
    case 'geoNear':
      if (!conjunct || budget.distances-- <= 0)
        throw refuse('one "geoNear" is possible, and not inside "or", "nor" or "not"')
      return Object.freeze([operator, nearOf(argument)] as const)
    case 'and':
    case 'or': {
      if (!Array.isArray(argument)) throw refuse(`"${operator}" takes a list of tests`)
      const inner = argument.map(each => testOf(each, budget, depth + 1, conjunct && operator === 'and'))
      return Object.freeze([operator, Object.freeze(inner)] as const)
    }
    case 'not':
      return Object.freeze([operator, testOf(argument, budget, depth + 1, false)] as const)
  }
  throw unknownOperator(operator)
}

function operandOf(tree: unknown, budget: Budget): Value {
  const value = fromJson(tree)
  if (hasServerDate(value)) throw refuse('a server date cannot be compared with: use a date')
  if (value instanceof RegExpValue) {
    spend(budget, 1)
    compileRegExp(value)
  }
  return value
}

function nearOf(tree: unknown): Near {
  const source = asRecord(tree, '"geoNear"', nearKeys)
  const geometry = fromJson(source.geometry)
  if (!(geometry instanceof GeoPoint)) throw refuse('"geoNear" takes a geometry that is a Point')
  const near: { geometry: Value; minDistance?: number; maxDistance?: number } = { geometry }
  for (const key of ['minDistance', 'maxDistance'] as const) {
    const metres = source[key]
    if (metres === undefined) continue
    if (typeof metres !== 'number' || !(metres >= 0) || metres === Infinity)
      throw refuse(`"geoNear": ${key} is a number of metres, 0 or more`)
    near[key] = metres
  }
  return Object.freeze(near)
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

function spend(budget: Budget, depth: number): void {
  if (depth > limits.filterDepth) throw refuse(`conditions nested deeper than ${limits.filterDepth}`)
  if (budget.nodes-- <= 0) throw refuse(`more than ${limits.filterNodes} conditions`)
}

function hasServerDate(value: Value): boolean {
  if (value instanceof ServerDate) return true
  if (Array.isArray(value)) return (value as readonly Value[]).some(hasServerDate)
  return isPlainObject(value) && Object.values(value).some(hasServerDate)
}

function asRecord(tree: unknown, name: string, keys?: readonly string[]): Record<string, unknown> {
  if (typeof tree !== 'object' || tree === null || Array.isArray(tree)) throw refuse(`${name} is an object`)
  for (const key of Object.keys(tree))
    if (keys && !keys.includes(key)) throw refuse(`${name} has no ${shown(key)}`)
  return { ...tree }
}

function asTuple(tree: unknown, name: string): readonly unknown[] {
  if (!Array.isArray(tree)) throw refuse(`${name} is a list that begins with its operator`)
  return tree
}

function unknownOperator(operator: unknown): CloudError {
  return new CloudError('DATABASE_INVALID_OPERATOR', { errMsg: `unknown operator ${shown(operator)}` })
}

function shown(thing: unknown): string {
  return typeof thing === 'string' ? `"${thing.slice(0, 50)}"` : `of type ${typeof thing}`
}

function refuse(reason: string): CloudError {
  return new CloudError('INVALID_PARAM', { errMsg: reason })
}

const queryKeys = ['collection', 'where', 'orderBy', 'skip', 'limit', 'fields']
const nearKeys = ['geometry', 'minDistance', 'maxDistance']
const maxOrders = 32
