import type { DocId, Value } from '@nearcloud/protocol'
import { type Constraint, constraintsOf, type Direction, nearestFirst, type Query } from '@nearcloud/query'
import type { Collection } from './collection.ts'
import type { DeclaredIndex } from './declared-index.ts'
import type { OrderedIndex } from './ordered-index.ts'
import type { Span } from './sorted-list.ts'

/** How the documents that may match a query are found. */
export type Plan =
  | { readonly plan: 'id'; readonly ids: readonly Value[] }
  | {
      readonly plan: 'index'
      readonly index: OrderedIndex | DeclaredIndex
      readonly spans: readonly Span[]
      /** The index is walked in the query's order, until enough are found. */
      readonly walk?: Direction
    }
  | { readonly plan: 'scan' }

/**
 * The plan that looks at the fewest documents, as far as the counts in the indexes tell. Where none is good, indexes
 * that would help are made: on an equality with the order or a range behind it, then on the paths of equalities, of ranges, of
 * the order.
 *
 * `wanted`: how many matches are needed in the query's order; Infinity for all of them in any order.
 */
export function choosePlan(collection: Collection, query: Query, wanted: number): Plan {
  const constraints = constraintsOf(query.where)
  const ids = constraints.get('_id')?.equals
  if (ids) return { plan: 'id', ids }
  const orderPath = wanted < Infinity ? orderPathOf(query) : undefined
  let best = cheapest(collection, query, constraints, orderPath, wanted)
  const pair =
    best.cost > wanted * 2 || best.cost > goodEnough ? usefulPair(constraints, orderPath) : undefined
  if (pair && !collection.index(...pair) && collection.makeIndex(...pair))
    best = cheapest(collection, query, constraints, orderPath, wanted)
  for (const path of usefulPaths(constraints, orderPath)) {
    if (best.cost <= goodEnough) break
    if (collection.index(path) || !collection.makeIndex(path)) continue
    best = cheapest(collection, query, constraints, orderPath, wanted)
  }
  return best.plan
}

/** What an index has to offer for a query. */
interface Offer {
  readonly index: OrderedIndex | DeclaredIndex
  readonly spans: readonly Span[]
  /** The paths of which all that is said is in the spans. */
  readonly paths: readonly string[]
  readonly walk?: Direction | undefined
}

function cheapest(
  collection: Collection,
  query: Query,
  constraints: ReadonlyMap<string, Constraint>,
  orderPath: string | undefined,
  wanted: number,
): { plan: Plan; cost: number } {
  let best: { plan: Plan; cost: number } = { plan: { plan: 'scan' }, cost: collection.size }
  /** Of all documents, the share that satisfies what is said of a path, as far as it is known. */
  const shares = new Map<string, number>()
  const offers = [
    ...declaredOffers(collection, query),
    ...automaticOffers(collection, query, constraints, orderPath),
  ].map(offer => ({ ...offer, count: offer.index.count(offer.spans) }))
  for (const { index, spans, paths, count } of offers) {
    if (paths.length === 1) shares.set(paths[0]!, Math.max(1, count) / Math.max(1, collection.size))
    if (count < best.cost) best = { plan: { plan: 'index', index, spans }, cost: count }
  }
  for (const { index, spans, paths, count, walk } of offers) {
    if (walk === undefined) continue
    let share = 1
    for (const [path, each] of shares) if (!paths.includes(path)) share *= each
    const cost = Math.min(count, wanted / Math.min(1, share))
    if (cost <= best.cost) best = { plan: { plan: 'index', index, spans, walk }, cost }
  }
  return best
}

function declaredOffers(collection: Collection, query: Query): readonly Offer[] {
  const offers: Offer[] = []
  for (const index of collection.declared) {
    const use = index.useFor(query)
    if (!use) continue
    const { equalities, hasBound, order } = use.plan
    const used = index.definition.keys.slice(0, equalities + (hasBound ? 1 : 0))
    offers.push({ index, spans: use.spans, paths: used.map(([path]) => path), walk: order })
  }
  return offers
}

function automaticOffers(
  collection: Collection,
  query: Query,
  constraints: ReadonlyMap<string, Constraint>,
  orderPath: string | undefined,
): readonly Offer[] {
  const offers: Offer[] = []
  for (const path of new Set([...constraints.keys(), ...(orderPath === undefined ? [] : [orderPath])])) {
    const index = collection.index(path)
    if (!index) continue
    const constraint = constraints.get(path)
    const walk = path === orderPath && index.isOrder ? (query.orderBy[0]?.[1] ?? 'asc') : undefined
    // without either, documents that are not in the index may match
    if (constraint || walk) offers.push({ index, spans: index.spansOf(constraint), paths: [path], walk })
  }
  for (const [within, { equals }] of constraints) {
    if (equals?.length !== 1) continue
    for (const path of new Set([...constraints.keys(), ...(orderPath === undefined ? [] : [orderPath])])) {
      const index = path === within ? undefined : collection.index(path, within)
      if (!index) continue
      const constraint = constraints.get(path)
      const walk = path === orderPath && index.isOrder ? (query.orderBy[0]?.[1] ?? 'asc') : undefined
      const paths = constraint ? [within, path] : [within]
      if (constraint || walk) offers.push({ index, spans: index.spansOf(constraint, equals[0]), paths, walk })
    }
  }
  return offers
}

/** The path a query's answer is first sorted by; none when that is a distance. */
function orderPathOf(query: Query): string | undefined {
  return nearestFirst(query) ? undefined : (query.orderBy[0]?.[0] ?? '_id')
}

/** A path, and the one of an equality in front of it. */
function usefulPair(
  constraints: ReadonlyMap<string, Constraint>,
  orderPath: string | undefined,
): readonly [path: string, within: string] | undefined {
  const equality = [...constraints].find(([path, { equals }]) => equals?.length === 1 && path !== orderPath)
  if (!equality) return undefined
  const range = [...constraints].find(([, { equals }]) => !equals)
  const path = orderPath ?? range?.[0]
  return path === undefined || path === '_id' ? undefined : [path, equality[0]]
}

function usefulPaths(
  constraints: ReadonlyMap<string, Constraint>,
  orderPath: string | undefined,
): readonly string[] {
  const [equalities, ranges]: [string[], string[]] = [[], []]
  for (const [path, constraint] of constraints) (constraint.equals ? equalities : ranges).push(path)
  return [...new Set([...equalities, ...ranges, ...(orderPath === undefined ? [] : [orderPath])])]
}

/** Ids among values; a document's id is text or a number. */
export function idsAmong(values: readonly Value[]): readonly DocId[] {
  return [...new Set(values.filter(value => typeof value === 'string' || typeof value === 'number'))]
}

/** Looking at so many documents is no reason for another index. */
const goodEnough = 500
