import { type Document, Geo, normalise, type PathChange, ServerDate, type Value } from '@nearcloud/protocol'
import type { ElementTest } from '@nearcloud/query'
import { elementMatches } from './match.ts'
import { areEqual, compare, fieldOf, fieldsOf, isArray, type Maybe } from './order.ts'
import { cannot, Refusal } from './refusal.ts'

/** The document after an update at a moment; throws a Refusal, and nothing has changed then. */
export function update(document: Document, changes: readonly PathChange[], now: number): Document {
  checkPaths(changes)
  const draft = draftOf(document) as Draft
  for (const [path, operator, argument] of changes)
    change(draft, path.split('.'), operator, withTime(argument, now))
  return normalise(draft) as Document
}

function checkPaths(changes: readonly PathChange[]): void {
  if (changes.length === 0) throw new Refusal('INVALID_PARAM', 'no changes')
  const paths = changes.flatMap(([path, operator, argument]) =>
    operator === 'rename' ? [path, argument as string] : [path],
  )
  if (paths.some(path => ['_id', '_openid'].includes(path.split('.')[0]!)))
    throw new Refusal('INVALID_PARAM', 'an id')
  paths.forEach((path, at) => {
    for (const other of paths.slice(at + 1))
      if (`${path}.`.startsWith(`${other}.`) || `${other}.`.startsWith(`${path}.`))
        throw cannot(`${path} and ${other} lie in each other`)
  })
}

/** What is changed in place: plain objects and lists all the way down. */
type Draft = { [key: string]: Value } | Value[]

function draftOf(value: Value): Value {
  if (isArray(value)) return value.map(draftOf)
  const fields = fieldsOf(value)
  if (!fields) return value
  return Object.fromEntries(Object.entries(fields).map(([key, field]) => [key, draftOf(field)]))
}

function withTime(value: Value, now: number): Value {
  if (value instanceof ServerDate) return new Date(now + value.offset)
  if (value instanceof Geo) return value
  if (isArray(value)) return value.map(each => withTime(each, now))
  const fields = fieldsOf(value)
  if (!fields) return value
  return Object.fromEntries(Object.entries(fields).map(([key, field]) => [key, withTime(field, now)]))
}

function change(document: Draft, parts: readonly string[], operator: PathChange[1], argument: Value): void {
  if (operator === 'rename') rename(document, parts, (argument as string).split('.'))
  else if (operator === 'remove') take(document, parts)
  else {
    const after = changed(valueAt(document, parts), operator, argument)
    if (after !== undefined) put(document, parts, after)
  }
}

/** What comes of a value; undefined where nothing is to be done. */
function changed(
  value: Maybe,
  operator: Exclude<PathChange[1], 'rename' | 'remove'>,
  argument: Value,
): Maybe {
  switch (operator) {
    case 'set':
      return argument
    case 'inc':
      return numberOr(value, -0) + (argument as number)
    case 'mul':
      return value === undefined ? 0 : numberOr(value, 0) * (argument as number)
    case 'min':
      return value !== undefined && compare(value, argument) <= 0 ? value : argument
    case 'max':
      return value !== undefined && compare(value, argument) >= 0 ? value : argument
    case 'bit':
      return combined(value, argument as { [operation: string]: number })
    case 'push':
      return pushed(listOr(value, []), argument)
    case 'addToSet':
      return (argument as Value[]).reduce<readonly Value[]>(withElement, listOr(value, []))
  }
  if (value === undefined) return undefined
  const list = listOr(value, [])
  switch (operator) {
    case 'pop':
      return list.slice(0, -1)
    case 'shift':
      return list.slice(1)
    case 'pull':
      return list.filter(each => !elementMatches(each, argument as unknown as ElementTest))
    case 'pullAll':
      return list.filter(each => !(argument as Value[]).some(other => areEqual(each, other)))
  }
}

function isIndex(part: string): boolean {
  return /^(0|[1-9]\d*)$/.test(part)
}

function child(parent: Maybe, part: string): Maybe {
  if (isArray(parent)) return isIndex(part) ? parent[Number(part)] : undefined
  return fieldOf(parent, part)
}

/** What is at a path; undefined where nothing can be. */
function valueAt(document: Maybe, parts: readonly string[]): Maybe {
  return parts.reduce(child, document)
}

/** Assigns, and makes the objects on the way that are missing. */
function put(parent: Value, [part, ...rest]: readonly string[], value: Value): void {
  if (rest.length === 0) setChild(parent, part!, value)
  else {
    if (child(parent, part!) === undefined) setChild(parent, part!, {})
    put(child(parent, part!)!, rest, value)
  }
}

function setChild(parent: Value, part: string, value: Value): void {
  if (Array.isArray(parent)) {
    if (!isIndex(part)) throw cannot(`an array has no field ${part}`)
    while (parent.length < Number(part)) parent.push(null)
    parent[Number(part)] = draftOf(value)
  } else if (fieldsOf(parent)) (parent as { [key: string]: Value })[part] = draftOf(value)
  else throw cannot(`no field ${part} in what is no object`)
}

function take(document: Value, parts: readonly string[]): void {
  if (valueAt(document, parts) === undefined) return
  const parent = valueAt(document, parts.slice(0, -1)) as Draft
  if (Array.isArray(parent)) parent[Number(parts.at(-1))] = null
  else delete parent[parts.at(-1)!]
}

function rename(document: Value, from: readonly string[], to: readonly string[]): void {
  const value = valueAt(document, from)
  if (value === undefined) return
  for (const path of [from, to])
    for (let length = 1; length < path.length; length++)
      if (isArray(valueAt(document, path.slice(0, length)))) throw cannot('a rename through an array')
  take(document, from)
  put(document, to, value)
}

function numberOr(value: Maybe, absent: number): number {
  if (value === undefined) return absent
  if (typeof value !== 'number') throw cannot('what is no number cannot be counted with')
  return value
}

function listOr(value: Maybe, absent: readonly Value[]): readonly Value[] {
  if (value === undefined) return absent
  if (!isArray(value)) throw cannot('what is no array has no elements')
  return value
}

function combined(value: Maybe, operations: { [operation: string]: number }): number {
  let bits = integer(value === undefined ? 0 : value)
  for (const [operation, operand] of Object.entries(operations)) {
    const other = integer(operand)
    bits = operation === 'and' ? bits & other : operation === 'or' ? bits | other : bits ^ other
  }
  return Number(BigInt.asIntN(64, bits))
}

function integer(value: Value): bigint {
  if (!Number.isSafeInteger(value)) throw cannot('bits are those of integers that a number holds exactly')
  return BigInt(value as number)
}

function withElement(list: readonly Value[], value: Value): readonly Value[] {
  return list.some(each => areEqual(each, value)) ? list : [...list, value]
}

interface Push {
  readonly each: readonly Value[]
  readonly position?: number
  readonly sort?: 1 | -1 | readonly (readonly [path: string, sign: number])[]
  readonly slice?: number
}

function pushed(list: readonly Value[], argument: Value): readonly Value[] {
  const {
    each,
    position = list.length,
    sort,
    slice,
  } = (isArray(argument) ? { each: argument } : argument) as unknown as Push
  const at = position < 0 ? Math.max(0, list.length + position) : position
  let result = [...list.slice(0, at), ...each, ...list.slice(at)]
  if (typeof sort === 'number') result.sort((a, b) => compare(a, b) * sort)
  else if (sort) result.sort((a, b) => bySortPaths(sort, a, b))
  if (slice !== undefined) result = slice < 0 ? result.slice(slice) : result.slice(0, slice)
  return result
}

function bySortPaths(paths: readonly (readonly [string, number])[], a: Value, b: Value): number {
  for (const [path, sign] of paths) {
    const [left, right] = [a, b].map(value => valueAt(value, path.split('.')) ?? null)
    const order = compare(left!, right!) * sign
    if (order !== 0) return order
  }
  return 0
}
