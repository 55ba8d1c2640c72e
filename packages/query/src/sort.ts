import type { Document, Value } from '@nearcloud/protocol'
import { compareValues } from './compare.ts'
import { clausesOf } from './constraints.ts'
import { compileDistance } from './geo-near.ts'
import { compilePath } from './match/path.ts'
import { hasOwn } from './paths.ts'
import type { Direction, Query } from './types.ts'

export type Order = (a: Document, b: Document) => number

/**
 * The order of a query's answer: its `orderBy`; without one the distance of its `geoNear`; always `_id` last, so that
 * no two documents are equal.
 */
export function compileOrder(query: Pick<Query, 'where' | 'orderBy'>): Order {
  const steps: Order[] = query.orderBy.map(([path, direction]) => byPath(path, direction))
  if (steps.length === 0) steps.push(...byDistance(query))
  steps.push((a, b) => compareValues(a._id, b._id))
  const [first, second] = steps as [Order, Order]
  if (steps.length === 1) return first
  if (steps.length === 2) return (a, b) => first(a, b) || second(a, b)
  return (a, b) => {
    for (const step of steps) {
      const order = step(a, b)
      if (order !== 0) return order
    }
    return 0
  }
}

/**
 * What a document is sorted by: the value at `path`, null when it is missing. Of an array the least element (ascending)
 * or the greatest (descending); `undefined` for an empty array, which comes before null.
 */
export function compileSortKey(
  path: string,
  direction: Direction,
): (document: Document) => Value | undefined {
  const { someWhole } = compilePath(path)
  const sign = direction === 'asc' ? 1 : -1
  const isField = !path.includes('.')
  return document => {
    const field = isField && hasOwn(document, path) ? document[path] : undefined
    if (isField && !Array.isArray(field)) return field ?? null
    let found = false
    let key: Value | undefined
    const offer = (candidate: Value | undefined) => {
      if (!found || compareSortKeys(candidate, key) * sign < 0) key = candidate
      found = true
    }
    someWhole(document, (value, open) => {
      if (!open || !Array.isArray(value)) offer(value ?? null)
      else if (value.length === 0) offer(undefined)
      else for (const element of value as readonly Value[]) offer(element)
      return false
    })
    return found ? key : null
  }
}

/** The ascending order of sort keys: `undefined` (an empty array), then the total order of values. */
export function compareSortKeys(a: Value | undefined, b: Value | undefined): number {
  if (a === undefined || b === undefined) return Number(b === undefined) - Number(a === undefined)
  return compareValues(a, b)
}

/** The first `count` of `documents` in order; all of them for Infinity. The input is not changed. */
export function firstInOrder(documents: readonly Document[], order: Order, count: number): Document[] {
  if (count * 8 >= documents.length) return [...documents].sort(order).slice(0, count)
  const first: Document[] = []
  for (const document of documents) {
    if (first.length === count && (count === 0 || order(document, first[count - 1]!) > 0)) continue
    if (first.length === count) first.pop()
    first.splice(placeOf(first, document, order), 0, document)
  }
  return first
}

/** Where `document` is, or belongs, in an ordered list. */
export function placeOf(ordered: readonly Document[], document: Document, order: Order): number {
  let [low, high] = [0, ordered.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (order(ordered[middle]!, document) < 0) low = middle + 1
    else high = middle
  }
  return low
}

function byPath(path: string, direction: Direction): Order {
  const keyOf = compileSortKey(path, direction)
  return direction === 'asc'
    ? (a, b) => compareSortKeys(keyOf(a), keyOf(b))
    : (a, b) => compareSortKeys(keyOf(b), keyOf(a))
}

function byDistance(query: Pick<Query, 'where'>): Order[] {
  for (const clause of clausesOf(query.where)) {
    if (clause[0] !== 'field' || clause[2][0] !== 'geoNear') continue
    const distanceOf = remember(compileDistance(clause[1], clause[2][1]))
    return [(a, b) => compareValues(distanceOf(a), distanceOf(b))]
  }
  return []
}

function remember(compute: (document: Document) => number): (document: Document) => number {
  const known = new WeakMap<Document, number>()
  return document => {
    let answer = known.get(document)
    if (answer === undefined) {
      answer = compute(document)
      known.set(document, answer)
    }
    return answer
  }
}
