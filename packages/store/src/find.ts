import type { Document, Value } from '@nearcloud/protocol'
import {
  compileFilter,
  compileOrder,
  equalValues,
  firstInOrder,
  nearestFirst,
  type Query,
} from '@nearcloud/query'
import { type Collection, newMark, type Slot, wantedOf } from './collection.ts'
import { type Choice, choosePlan, idsAmong, type Plan } from './planner.ts'

export interface Found {
  readonly documents: readonly Document[]
  readonly plan: Plan
  /** The plans there were, the one that promised most first. */
  readonly choice: Choice
  /** How many documents were looked at. */
  readonly candidates: number
}

/** The documents a query answers, in order, whole. */
export function find(collection: Collection, query: Query): Found {
  const wanted = wantedOf(query)
  const matching = findMatching(collection, query, wanted)
  const { documents, plan } = matching
  return {
    ...matching,
    documents: isExact(plan, query) ? documents.slice(query.skip, wanted) : windowOf(documents, query),
  }
}

/** How many documents match; skip and limit do not apply. */
export function countMatching(collection: Collection, query: Query): number {
  if (query.where[0] === 'and' && query.where[1].length === 0) return collection.size
  return findMatching(collection, query, Infinity).documents.length
}

/** The documents a query answers out of these, in order, whole. */
export function findAmong(candidates: Iterable<Document>, query: Query): readonly Document[] {
  const matches = compileFilter(query.where)
  const found: Document[] = []
  for (const document of candidates) if (matches(document)) found.push(document)
  return windowOf(found, query)
}

/**
 * Matching documents in any order: all, or at least the first `wanted` in the query's order. The nearest few of many are
 * looked for in circles that grow until there is enough in one.
 */
export function findMatching(collection: Collection, query: Query, wanted: number): Found {
  const nearest = wanted < Infinity && collection.size >= manyPlaces ? nearestFirst(query) : undefined
  const largest = nearest ? Math.min(nearest.maxDistance, largestCircle) : 0
  let candidates = 0
  for (let metres = smallestCircle; metres < largest; metres *= 3) {
    const circle = nearest!.within(metres)
    const choice = choosePlan(collection, circle, Infinity)
    const [plan] = choice
    if (plan.plan !== 'index' || !('hasPlaces' in plan.index && plan.index.hasPlaces(nearest!.path))) break
    if (plan.index.count(plan.spans) < wanted) continue
    const found = findBy(choice, collection, circle, Infinity)
    candidates += found.candidates
    if (found.documents.length >= wanted) return { ...found, candidates }
  }
  const found = findBy(choosePlan(collection, query, wanted), collection, query, wanted)
  return { ...found, candidates: candidates + found.candidates }
}

function findBy(choice: Choice, collection: Collection, query: Query, wanted: number): Found {
  const matches = compileFilter(query.where)
  const [first] = choice
  let plan: Plan = first
  let documents: Document[] = []
  let candidates = 0
  const look = (document: Document | undefined) => {
    if (!document) return
    candidates++
    if (matches(document)) documents.push(document)
  }
  if (plan.plan === 'index' && plan.walk !== undefined) {
    const { index, spans, walk } = plan
    const instead = choice.find(other => other.plan !== 'index' || other.walk === undefined)!
    // entries with equal keys are in no order yet, or in the query's: the walk ends between two keys, or anywhere
    const mayEnd = isExact(plan, query) ? () => true : (key: Value) => !equalValues(key, lastKey)
    let lastKey: Value | undefined
    for (const { key, slot } of index.entries(spans, walk === 'desc')) {
      if (documents.length >= wanted && mayEnd(key)) break
      if (candidates >= instead.cost) {
        // matches are rarer in this order, or more are equal in it, than the counts let expect
        plan = instead
        documents = []
        break
      }
      lastKey = key
      look(slot.document)
    }
    if (plan === first) return { documents, plan, choice, candidates }
  }
  if (plan.plan === 'scan') {
    const before = candidates
    for (const { document } of collection.among(query, wanted)) look(document)
    candidates = before + collection.size
  } else if (plan.plan === 'id') for (const id of idsAmong(plan.ids)) look(collection.get(id))
  else for (const { document } of slotsOf(plan)) look(document)
  return { documents, plan, choice, candidates }
}

/** The walk gives documents in the very order of the query: entries of one path are sorted by it and then by id. */
function isExact(plan: Plan, query: Query): boolean {
  return plan.plan === 'index' && plan.walk === 'asc' && 'path' in plan.index && query.orderBy.length <= 1
}

function windowOf(matching: readonly Document[], query: Query): readonly Document[] {
  const end = query.limit === undefined ? matching.length : query.skip + query.limit
  return firstInOrder(matching, compileOrder(query), end).slice(query.skip)
}

/** What all of the plan's indexes reach, each slot once. */
function slotsOf(plan: Extract<Plan, { plan: 'index' }>): readonly Slot[] {
  let slots: Slot[] = []
  let before: number | undefined
  for (const { index, spans } of [plan, ...(plan.and ?? [])]) {
    const mark = newMark()
    slots = []
    for (const { slot } of index.entries(spans, false)) {
      if (before === undefined ? slot.mark === mark : slot.mark !== before) continue
      slot.mark = mark
      slots.push(slot)
    }
    before = mark
  }
  return slots
}

/** Below, looking at all is as quick. */
const manyPlaces = 2_000
/** Metres. */
const smallestCircle = 500
const largestCircle = 10_000_000
