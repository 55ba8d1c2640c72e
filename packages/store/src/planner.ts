import type { DocId, Value } from '@nearcloud/protocol'
import { type Constraint, constraintsOf, type Direction, nearestFirst, type Query } from '@nearcloud/query'
import type { Collection } from './collection.ts'
import type { DeclaredIndex } from './declared-index.ts'
import type { OrderedIndex } from './ordered-index.ts'
import type { Span } from './sorted-list.ts'

/** Some of an index: every document that matches has an entry in there. */
export interface Reach {
  readonly index: OrderedIndex | DeclaredIndex
  readonly spans: readonly Span[]
}

/** How the documents that may match a query are found. `cost`: how many are expected to be looked at. */
export type Plan =
  | { readonly plan: 'id'; readonly ids: readonly Value[]; readonly cost: number }
  | (Reach & {
      readonly plan: 'index'
      readonly cost: number
      /** Looked at is only what these reach as well. */
      readonly and?: readonly Reach[]
      /** The index is walked in the query's order, until enough are found. */
      readonly walk?: Direction | undefined
    })
  | { readonly plan: 'scan'; readonly cost: number }

/** The plans there were, the best first. */
export type Choice = readonly [Plan, ...Plan[]]

/**
 * Plans by how many documents they look at, as far as the counts in the indexes tell. Where none is good, indexes
 * that would help are made: on an equality with the order or a range behind it, then on the paths of equalities, of ranges, of
 * the order.
 *
 * `wanted`: how many matches are needed in the query's order; Infinity for all of them in any order.
 */
export function choosePlan(collection: Collection, query: Query, wanted: number): Choice {
  const constraints = constraintsOf(query.where)
  const ids = constraints.get('_id')?.equals
  if (ids) return [{ plan: 'id', ids, cost: ids.length }]
  const orderPath = wanted < Infinity ? orderPathOf(query) : undefined
  const plan = () => plansFor(collection, query, constraints, orderPath, wanted)
  let plans = plan()
  const { cost } = plans[0]
  const pair = cost > wanted * 2 || cost > goodEnough ? usefulPair(constraints, orderPath) : undefined
  if (pair && !collection.index(...pair) && collection.makeIndex(...pair)) plans = plan()
  for (const path of usefulPaths(constraints, orderPath)) {
    if (plans[0].cost <= goodEnough) break
    if (collection.index(path) || !collection.makeIndex(path)) continue
    plans = plan()
  }
  return plans
}

/** What an index has to offer for a query. */
export interface Offer extends Reach {
  /** The paths of which all that is said is in the spans. */
  readonly paths: readonly string[]
  readonly walk?: Direction | undefined
}

interface Counted extends Offer {
  readonly count: number
}

function plansFor(
  collection: Collection,
  query: Query,
  constraints: ReadonlyMap<string, Constraint>,
  orderPath: string | undefined,
  wanted: number,
): Choice {
  const offers = [
    ...[...collection.declared.values()].flatMap(index => index.offersFor(query)),
    ...automaticOffers(collection, query, constraints, orderPath),
  ].map(offer => ({ ...offer, count: offer.index.count(offer.spans) }))
  offers.sort((a, b) => a.count - b.count)
  const plans: Plan[] = []
  /** Of all documents, the share that satisfies what is said of a path, as far as it is known. */
  const shares = new Map<string, number>()
  for (const offer of offers) {
    const { paths, count } = offer
    if (paths.length === 1) shares.set(paths[0]!, Math.max(1, count) / Math.max(1, collection.size))
    if (count < collection.size) plans.push({ plan: 'index', ...offer, walk: undefined, cost: count })
  }
  for (const offer of offers) {
    const { paths, count, walk } = offer
    if (walk === undefined) continue
    let share = 1
    for (const [path, each] of shares) if (!paths.includes(path)) share *= each
    plans.unshift({ plan: 'index', ...offer, cost: Math.min(count, wanted / Math.min(1, share)) })
  }
  plans.push(...intersection(offers, collection.size), { plan: 'scan', cost: collection.size })
  // of the same cost the first one, and a walk is in front of the others
  return plans.sort((a, b) => a.cost - b.cost) as unknown as Choice
}

/**
 * The indexes that together leave the least to look at. Going through what one reaches costs as well, though much less than
 * looking at documents.
 */
function intersection(offers: readonly Counted[], size: number): readonly Plan[] {
  const [first, ...others] = offers
  if (!first) return []
  let [left, passed] = [first.count, 0]
  const paths = new Set(first.paths)
  const and: Reach[] = []
  for (const other of others) {
    const { count, paths: more } = other
    const passing = passed + (and.length === 0 ? first.count : 0) + count
    const less = (left * count) / Math.max(1, size)
    if (more.some(path => paths.has(path)) || less + passing * passingCost >= left + passed * passingCost)
      continue
    ;[left, passed] = [less, passing]
    and.push(other)
    for (const path of more) paths.add(path)
  }
  return and.length === 0
    ? []
    : [{ plan: 'index', ...first, walk: undefined, and, cost: left + passed * passingCost }]
}

function automaticOffers(
  collection: Collection,
  query: Query,
  constraints: ReadonlyMap<string, Constraint>,
  orderPath: string | undefined,
): readonly Offer[] {
  const offers: Offer[] = []
  const paths = [...new Set([...constraints.keys(), ...(orderPath === undefined ? [] : [orderPath])])]
  const groups = [...constraints].flatMap(([within, { equals }]) =>
    equals?.length === 1 ? [{ within, group: equals[0] }] : [],
  )
  for (const { within, group } of [{ within: undefined, group: undefined }, ...groups])
    for (const path of paths) {
      const index = path === within ? undefined : collection.index(path, within)
      if (!index) continue
      const constraint = constraints.get(path)
      const walk = path === orderPath && index.isOrder ? (query.orderBy[0]?.[1] ?? 'asc') : undefined
      const said = [within, constraint && path].filter(each => each !== undefined)
      // without either, documents that are not in the index may match
      if (constraint || walk)
        offers.push({ index, spans: index.spansOf(constraint, group), paths: said, walk })
    }
  return offers
}

/** The path a query's answer is first sorted by; none when that is a distance. */
export function orderPathOf(query: Query): string | undefined {
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

/** Of an entry, against looking at a document. */
const passingCost = 0.25
/** Looking at so many documents is no reason for another index. */
const goodEnough = 500
