import type { Document, Value } from '@nearcloud/protocol'
import type { Direction, FieldChoice, Query } from '@nearcloud/query'
import { distanceOf, elementMatches, type IsTrue, matches, reach } from './match.ts'
import { compare, type Fields, fieldOf, fieldsOf, isArray, type Maybe } from './order.ts'

/** The answer to a query, the long way. An `orderBy` overrides the order by distance. */
export function answer(query: Query, documents: readonly Document[], isTrue?: IsTrue): readonly Value[] {
  const found = documents.filter(document => matches(document, query.where, isTrue))
  const distance = (document: Document) => distanceOf(document, query.where) ?? 0
  found.sort((a, b) => compare(a._id, b._id))
  if (query.orderBy.length === 0) found.sort((a, b) => distance(a) - distance(b))
  const end = query.limit === undefined ? found.length : query.skip + query.limit
  const ordered = inOrder(query.orderBy, found).slice(query.skip, end)
  return ordered.map(document => project(document, query.fields))
}

/** Sorted by paths; what is equal stays in the order it is in. */
export function inOrder<T extends Value>(orderBy: Query['orderBy'], documents: readonly T[]): readonly T[] {
  const keyed = documents.map(document => ({
    document,
    keys: orderBy.map(([path, direction]) => sortKey(document, path, signOf(direction))),
  }))
  keyed.sort((a, b) => {
    for (const [at, [, direction]] of orderBy.entries()) {
      const order = compareKeys(a.keys[at]!, b.keys[at]!)
      if (order !== 0) return order * signOf(direction)
    }
    return 0
  })
  return keyed.map(each => each.document)
}

function signOf(direction: Direction): 1 | -1 {
  return direction === 'asc' ? 1 : -1
}

/** An empty array stands before everything. */
const empty = Symbol('an empty array')
type Key = Value | typeof empty

function compareKeys(a: Key, b: Key): number {
  if (a === empty || b === empty) return Number(b === empty) - Number(a === empty)
  return compare(a, b)
}

/** The least of what a path leads to, or the greatest. */
function sortKey(document: Value, path: string, sign: 1 | -1): Key {
  const keys = keysOf(document, path.split('.'))
  return [...keys].sort((a, b) => compareKeys(a, b) * sign)[0]!
}

/** A path leads where a condition's path does; what is missing, or nowhere, is null. */
function keysOf(document: Value, parts: readonly string[]): readonly Key[] {
  const leaves = reach(document, parts)
  if (leaves.length === 0) return [null]
  return leaves.flatMap(({ value, isSpread }): readonly Key[] => {
    if (value === undefined) return [null]
    if (!isSpread || !isArray(value)) return [value]
    return value.length === 0 ? [empty] : value
  })
}

type Choices = { readonly [path: string]: FieldChoice }

export function project(document: Value, fields: Choices | undefined): Value {
  if (!fields) return document
  const named = Object.entries(fields).filter(([path]) => path !== '_id')
  const isInclusion =
    named.some(([, choice]) => choice === true || (Array.isArray(choice) && choice[0] === 'elemMatch')) ||
    (named.every(([, choice]) => Array.isArray(choice)) && fields._id === true)
  const kept = isInclusion ? included(document, named) : changed(document, named)
  const { _id, ...others } = (kept ?? {}) as Fields
  if (fields._id === false) return others
  return isInclusion ? inOrderOf(document, { _id: fieldOf(document, '_id')!, ...others }) : kept!
}

type Named = readonly (readonly [path: string, choice: FieldChoice])[]

/** What of the value is named; undefined when nothing of it can be. */
function included(value: Value, named: Named): Maybe {
  if (isArray(value)) return value.map(each => included(each, named)).filter(each => each !== undefined)
  const fields = fieldsOf(value)
  if (!fields) return undefined
  const result: { [key: string]: Value } = {}
  for (const [key, field] of Object.entries(fields)) {
    const whole = named.find(([path]) => path === key)
    const kept = whole ? chosen(field, whole[1]) : included(field, below(named, key))
    if (kept !== undefined && (whole || below(named, key).length > 0)) result[key] = kept
  }
  return result
}

function changed(value: Value, named: Named): Maybe {
  if (isArray(value)) return value.map(each => changed(each, named)!)
  const fields = fieldsOf(value)
  if (!fields) return value
  const result: { [key: string]: Value } = {}
  for (const [key, field] of Object.entries(fields)) {
    const whole = named.find(([path]) => path === key)
    const kept = whole ? chosen(field, whole[1]) : changed(field, below(named, key))
    if (kept !== undefined) result[key] = kept
  }
  return result
}

/** The choices that lie below a key, from there. */
function below(named: Named, key: string): Named {
  return named
    .filter(([path]) => path.startsWith(`${key}.`))
    .map(([path, choice]) => [path.slice(key.length + 1), choice])
}

function chosen(field: Value, choice: FieldChoice): Maybe {
  if (choice === true) return field
  if (choice === false) return undefined
  if (choice[0] === 'slice') return isArray(field) ? partOf(field, ...choice[1]) : field
  const found = isArray(field) ? field.filter(each => elementMatches(each, choice[1])) : []
  return found.length > 0 ? found.slice(0, 1) : undefined
}

function partOf(array: readonly Value[], from: number, count: number): readonly Value[] {
  const start = from < 0 ? Math.max(0, array.length + from) : from
  return array.slice(start, start + count)
}

/** With its fields as they are stored. */
function inOrderOf(document: Value, kept: Fields): Value {
  const keys = Object.keys(fieldsOf(document)!).filter(key => Object.hasOwn(kept, key))
  return Object.fromEntries(keys.map(key => [key, kept[key]!]))
}
