import { checkCollectionName, type DocId, type Document, decodeTrusted } from '@nearcloud/protocol'
import {
  bindOpenid,
  compareValues,
  compileFilter,
  compileOrder,
  type Explanation,
  firstInOrder,
  nearestFirst,
  type Query,
} from '@nearcloud/query'
import type { Actor } from '../actor.ts'
import type { StoredRow } from '../engine/engine.ts'
import type { Judge } from '../rules/judge.ts'
import { decided, type LoadingReads } from '../rules/rule-reads.ts'
import { candidates, type Looking, type Shelves } from './candidates.ts'
import { choosePlan, type Plan } from './plan.ts'

/** What reading needs: whose documents, where they are, and who may see them. */
export interface Reading extends Shelves {
  readonly judge: Judge
  /** What rules read of other documents. */
  readonly reads: LoadingReads
}

export interface Found {
  readonly row: StoredRow
  readonly document: Document
}

/**
 * The question as this actor means it (`{openid}` is the one who asks). Throws DATABASE_PERMISSION_DENIED (INVALID_PARAM
 * for a name) unless they may ask it.
 */
export async function askedBy(reading: Reading, actor: Actor, query: Query): Promise<Query> {
  if (actor.kind !== 'admin') checkCollectionName(query.collection)
  const meant = actor.kind === 'user' ? bindOpenid(query, actor.openid) : query
  const { judge, reads } = reading
  await decided(reads, () => judge.checkQuery(actor, meant, reads))
  return meant
}

/** Which ids are of interest. */
export interface Part {
  /** Those behind this one. */
  readonly after?: DocId | undefined
  /** Of the others nothing is looked at. */
  readonly only?: ((id: DocId) => boolean) | undefined
}

/** Documents that match and that the actor may read, in `_id` order, by pages; without order, skip, limit, fields. */
export function findAll(
  reading: Reading,
  actor: Actor,
  query: Query,
  part?: Part,
): AsyncIterable<readonly Found[]> {
  return findAlong(reading, actor, query, choosePlan(query, []), part)
}

/** The same in any order, each once. */
export async function* findAny(
  reading: Reading,
  actor: Actor,
  query: Query,
): AsyncIterable<readonly Found[]> {
  await reading.indexes.open()
  yield* findAlong(reading, actor, query, planOf(reading, withoutOrder(query)))
}

/** What the query's answer is made of: in order, after skip, within limit; not projected. */
export async function findFirst(reading: Reading, actor: Actor, query: Query): Promise<readonly Found[]> {
  return (await search(reading, actor, query)).found
}

/** How the query is answered, found out by answering it. */
export async function explain(reading: Reading, actor: Actor, query: Query): Promise<Explanation> {
  const { found, plan, examined } = await search(reading, actor, query)
  return {
    plan: plan.kind,
    ...(plan.kind === 'index' && { index: plan.index.definition.name }),
    ordered: plan.kind === 'index' && isOrdered(plan, query),
    examined,
    returned: found.length,
    answeredBy: 'server',
  }
}

/** How many match and may be read; skip and limit do not apply. */
export async function countAll(reading: Reading, actor: Actor, query: Query): Promise<number> {
  let total = 0
  for await (const page of findAny(reading, actor, query)) total += page.length
  return total
}

interface Answered {
  readonly found: readonly Found[]
  readonly plan: Plan
  readonly examined: number
}

/** The nearest few of many are looked for in circles that grow until there is enough in one. */
async function search(reading: Reading, actor: Actor, query: Query): Promise<Answered> {
  await reading.indexes.open()
  const nearest = query.limit === undefined ? undefined : nearestFirst(query)
  const largest = nearest ? Math.min(nearest.maxDistance, largestCircle) : 0
  let examined = 0
  for (let metres = smallestCircle; metres < largest; metres *= 3) {
    const circle = nearest!.within(metres)
    const plan = planOf(reading, circle)
    if (!findsPlaces(plan, nearest!.path)) break
    const answered = await searchAlong(reading, actor, circle, plan)
    examined += answered.examined
    if (answered.found.length === query.limit) return { ...answered, examined }
  }
  const answered = await searchAlong(reading, actor, query, planOf(reading, query))
  return { ...answered, examined: examined + answered.examined }
}

function findsPlaces(plan: Plan, at: string): boolean {
  if (plan.kind !== 'index') return false
  return plan.index.definition.keys.some(([path, kind]) => path === at && kind === '2dsphere')
}

async function searchAlong(reading: Reading, actor: Actor, query: Query, plan: Plan): Promise<Answered> {
  const isWanted = compileWanted(reading, actor, query)
  const end = query.limit === undefined ? Number.POSITIVE_INFINITY : query.skip + query.limit
  const order = compileOrder(query)
  const isBehindEnd = compileEnd(plan, query, end)
  const looking: Looking = isBehindEnd && end < smallPage ? { pageSize: Math.max(end + 1, leastPage) } : {}
  let examined = 0
  let documents: Document[] = []
  let rows = new Map<Document, StoredRow>()
  for await (const page of candidates(reading, query.collection, plan, looking)) {
    for (const row of page) {
      if (isBehindEnd?.(row, documents.length)) {
        looking.isEnough = true
        break
      }
      const document = decodeTrusted(row.text) as Document
      examined++
      const wanted = isWanted(document)
      if (!(typeof wanted === 'boolean' ? wanted : await wanted)) continue
      documents.push(document)
      rows.set(document, row)
    }
    if (looking.isEnough && plan.kind !== 'index') break
    if (documents.length > end * 4 + 4_096) {
      documents = firstInOrder(documents, order, end)
      rows = new Map(documents.map(document => [document, rows.get(document)!]))
    }
  }
  const found = firstInOrder(documents, order, end)
    .slice(query.skip)
    .map((document): Found => ({ document, row: rows.get(document)! }))
  return { found, plan, examined }
}

async function* findAlong(
  reading: Reading,
  actor: Actor,
  query: Query,
  plan: Plan,
  { after, only }: Part = {},
): AsyncIterable<readonly Found[]> {
  const isWanted = compileWanted(reading, actor, query)
  const looking: Looking = after === undefined ? {} : { after }
  for await (const rows of candidates(reading, query.collection, plan, looking)) {
    const found: Found[] = []
    for (const row of rows) {
      if (after !== undefined && compareValues(row.id, after) <= 0) continue
      if (only && !only(row.id)) continue
      const document = decodeTrusted(row.text) as Document
      const wanted = isWanted(document)
      if (typeof wanted === 'boolean' ? wanted : await wanted) found.push({ row, document })
    }
    if (found.length > 0) yield found
  }
}

function planOf({ indexes }: Reading, query: Query): Plan {
  return choosePlan(query, indexes.of(query.collection))
}

/** The query has the last word, and the judge: at once, unless a rule reads what has to be loaded. */
function compileWanted(
  { judge, reads }: Reading,
  actor: Actor,
  { where, collection }: Query,
): (document: Document) => boolean | Promise<boolean> {
  const matches = compileFilter(where)
  return document =>
    matches(document) && decided(reads, () => judge.mayRead(actor, collection, document, reads))
}

/**
 * Tells at which row `end` found documents are the first of all, where rows come in the order of the answer; undefined
 * where they do not.
 */
function compileEnd(
  plan: Plan,
  query: Query,
  end: number,
): ((row: StoredRow, found: number) => boolean) | undefined {
  if (end === Number.POSITIVE_INFINITY) return undefined
  if (plan.kind !== 'index') return isInIdOrder(plan, query) ? (_, found) => found >= end : undefined
  // documents that moved come without a key, after all others
  if (isInIdOrder(plan, query)) return (row, found) => row.key !== undefined && found >= end
  if (!isOrdered(plan, query)) return undefined
  let lastKey: string | undefined
  return ({ key }, found) => {
    const isNext = key !== undefined && key !== lastKey // documents of one key come in no order
    lastKey = key
    return isNext && found >= end
  }
}

function isOrdered(plan: Extract<Plan, { kind: 'index' }>, query: Query): boolean {
  return plan.use.order !== undefined && query.orderBy.length > 0
}

/** Rows of one key come by `_id`, as scans do. */
function isInIdOrder(plan: Plan, query: Query): boolean {
  if (query.orderBy.length > 0 || nearestFirst(query)) return false
  return plan.kind !== 'index' || plan.use.isOneKey
}

function withoutOrder({ collection, where }: Query): Query {
  return { collection, where, orderBy: [], skip: 0 }
}

/** A walk that will end soon reads few documents at once. */
const [leastPage, smallPage] = [20, 400]
/** Metres. */
const [smallestCircle, largestCircle] = [500, 10_000_000]
