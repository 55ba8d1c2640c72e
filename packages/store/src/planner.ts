import type { DocId, Value } from '@nearcloud/protocol'
import { type Constraint, clausesOf, constraintsOf, type Direction, type Query } from '@nearcloud/query'
import type { Collection } from './collection.ts'
import type { OrderedIndex } from './ordered-index.ts'

/** How the documents that may match a query are found. */
export type Plan =
  | { readonly plan: 'id'; readonly ids: readonly Value[] }
  | {
      readonly plan: 'index'
      readonly index: OrderedIndex
      readonly constraint: Constraint | undefined
      /** The index is walked in the query's order, until enough are found. */
      readonly walk?: Direction
    }
  | { readonly plan: 'scan' }

/**
 * The plan that looks at the fewest documents, as far as the counts in the indexes tell. Where none is good, indexes
 * that would help are made, on the paths of equalities first, then of ranges, then of the order.
 *
 * `wanted`: how many matches are needed in the query's order; Infinity for all of them in any order.
 */
export function choosePlan(collection: Collection, query: Query, wanted: number): Plan {
  const constraints = constraintsOf(query.where)
  const ids = constraints.get('_id')?.equals
  if (ids) return { plan: 'id', ids }
  const orderPath = wanted < Infinity ? orderPathOf(query) : undefined
  let best = cheapest(collection, query, constraints, orderPath, wanted)
  for (const path of usefulPaths(constraints, orderPath)) {
    if (best.cost <= goodEnough) break
    if (collection.index(path) || !collection.makeIndex(path)) continue
    best = cheapest(collection, query, constraints, orderPath, wanted)
  }
  return best.plan
}

function cheapest(
  collection: Collection,
  query: Query,
  constraints: ReadonlyMap<string, Constraint>,
  orderPath: string | undefined,
  wanted: number,
): { plan: Plan; cost: number } {
  let best: { plan: Plan; cost: number } = { plan: { plan: 'scan' }, cost: collection.size }
  /** Of the documents found on the order's path, the share that matches the rest, as far as it is known. */
  let share = 1
  for (const [path, constraint] of constraints) {
    const index = collection.index(path)
    if (!index) continue
    const cost = index.count(index.spansOf(constraint))
    if (path !== orderPath) share *= Math.max(1, cost) / Math.max(1, collection.size)
    if (cost < best.cost) best = { plan: { plan: 'index', index, constraint }, cost }
  }
  const index = orderPath === undefined ? undefined : collection.index(orderPath)
  if (!index?.isOrder) return best
  const constraint = constraints.get(index.path)
  const cost = Math.min(index.count(index.spansOf(constraint)), wanted / Math.min(1, share))
  if (cost <= best.cost)
    best = { plan: { plan: 'index', index, constraint, walk: query.orderBy[0]?.[1] ?? 'asc' }, cost }
  return best
}

/** The path a query's answer is first sorted by; none when that is a distance. */
function orderPathOf(query: Query): string | undefined {
  const first = query.orderBy[0]
  if (first) return first[0]
  const isByDistance = clausesOf(query.where).some(
    clause => clause[0] === 'field' && clause[2][0] === 'geoNear',
  )
  return isByDistance ? undefined : '_id'
}

function usefulPaths(
  constraints: ReadonlyMap<string, Constraint>,
  orderPath: string | undefined,
): readonly string[] {
  const [equalities, ranges]: [string[], string[]] = [[], []]
  for (const [path, constraint] of constraints) (constraint.equals ? equalities : ranges).push(path)
  return [...equalities, ...ranges, ...(orderPath === undefined ? [] : [orderPath])]
}

/** Ids among values; a document's id is text or a number. */
export function idsAmong(values: readonly Value[]): readonly DocId[] {
  return [...new Set(values.filter(value => typeof value === 'string' || typeof value === 'number'))]
}

/** Looking at so many documents is no reason for another index. */
const goodEnough = 500
