import {
  checkCollectionName,
  type DocId,
  type Document,
  decodeTrusted,
  type Value,
} from '@nearcloud/protocol'
import {
  bindOpenid,
  compileFilter,
  compileOrder,
  constraintsOf,
  firstInOrder,
  type Query,
} from '@nearcloud/query'
import type { Actor } from '../actor.ts'
import type { Engine, ScanPlan, StoredRow } from '../engine/engine.ts'
import type { Judge } from '../rules/judge.ts'

/** What reading needs: whose documents, where they are, and who may see them. */
export interface Reading {
  readonly env: string
  readonly engine: Engine
  readonly judge: Judge
}

export interface Found {
  readonly row: StoredRow
  readonly document: Document
}

/**
 * The question as this actor means it (`{openid}` is the one who asks). Throws DATABASE_PERMISSION_DENIED (INVALID_PARAM
 * for a name) unless they may ask it.
 */
export function askedBy(reading: Reading, actor: Actor, query: Query): Query {
  if (actor.kind !== 'admin') checkCollectionName(query.collection)
  const meant = actor.kind === 'user' ? bindOpenid(query, actor.openid) : query
  reading.judge.checkQuery(actor, meant)
  return meant
}

/** Documents that match and that the actor may read, in `_id` order, by pages; without order, skip, limit, fields. */
export async function* findAll(
  reading: Reading,
  actor: Actor,
  query: Query,
): AsyncIterable<readonly Found[]> {
  const { env, engine, judge } = reading
  const matches = compileFilter(query.where)
  for await (const rows of engine.scan(env, planOf(query))) {
    const found: Found[] = []
    for (const row of rows) {
      const document = decodeTrusted(row.text) as Document
      if (matches(document) && judge.mayRead(actor, query.collection, document)) found.push({ row, document })
    }
    if (found.length > 0) yield found
  }
}

/** What the query's answer is made of: in order, after skip, within limit; not projected. */
export async function findFirst(reading: Reading, actor: Actor, query: Query): Promise<readonly Found[]> {
  const end = query.limit === undefined ? Number.POSITIVE_INFINITY : query.skip + query.limit
  const order = compileOrder(query)
  const isInScanOrder = query.orderBy.length === 0 && !JSON.stringify(query.where).includes('"geoNear"')
  let documents: Document[] = []
  let rows = new Map<Document, Found>()
  for await (const page of findAll(reading, actor, query)) {
    for (const found of page) {
      documents.push(found.document)
      rows.set(found.document, found)
    }
    if (isInScanOrder && documents.length >= end) break
    if (documents.length > end * 4 + 4_096) {
      documents = firstInOrder(documents, order, end)
      rows = new Map(documents.map(document => [document, rows.get(document)!]))
    }
  }
  return firstInOrder(documents, order, end)
    .slice(query.skip)
    .map(document => rows.get(document)!)
}

/** How many match and may be read; skip and limit do not apply. */
export async function countAll(reading: Reading, actor: Actor, query: Query): Promise<number> {
  let total = 0
  for await (const page of findAll(reading, actor, query)) total += page.length
  return total
}

/** Where to look: by `_id` where the filter names it, otherwise through the texts that an equality leaves in a document. */
export function planOf(query: Query): ScanPlan {
  const constraints = constraintsOf(query.where)
  const ids = constraints.get('_id')?.equals
  if (ids) return { collection: query.collection, ids: uniqueIds(ids) }
  const containing = [...constraints.values()].flatMap(({ equals }) =>
    equals?.every(isPlainScalar) ? [equals.map(value => JSON.stringify(value))] : [],
  )
  return containing.length > 0
    ? { collection: query.collection, containing }
    : { collection: query.collection }
}

function uniqueIds(values: readonly Value[]): DocId[] {
  const isId = (value: Value): value is DocId => typeof value === 'string' || typeof value === 'number'
  return [...new Set(values.filter(isId).filter(id => !Number.isNaN(id)))]
}

function isPlainScalar(value: Value): boolean {
  return typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value)
}
