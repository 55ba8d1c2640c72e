import type { DocId, Value } from '@nearcloud/protocol'
import { compareValues, constraintsOf, type Query } from '@nearcloud/query'
import { chooseIndex, type IndexPlan } from '@nearcloud/query/indexes'
import type { ScanPlan } from '../engine/engine.ts'
import type { OpenIndex } from '../indexes/open-index.ts'

/** Where to look for what a query wants. */
export type Plan =
  /** In `_id` order. */
  | { readonly kind: 'id'; readonly ids: readonly DocId[] }
  | { readonly kind: 'index'; readonly index: OpenIndex; readonly use: IndexPlan }
  /** Everything, as far as the database can tell from the text that it is not wanted. */
  | { readonly kind: 'scan'; readonly containing: readonly (readonly string[])[] }

/** By `_id` where the filter names it, else the index of most use, else through the texts that an equality leaves. */
export function choosePlan(query: Query, indexes: readonly OpenIndex[]): Plan {
  const constraints = constraintsOf(query.where)
  const ids = constraints.get('_id')?.equals
  if (ids) return { kind: 'id', ids: uniqueIds(ids) }
  const best = chooseIndex(
    indexes.filter(({ isBuilding }) => !isBuilding),
    query,
  )
  if (best) return { kind: 'index', index: best.index, use: best.plan }
  const containing = [...constraints.values()].flatMap(({ equals }) =>
    equals?.every(isPlainScalar) ? [equals.map(value => JSON.stringify(value))] : [],
  )
  return { kind: 'scan', containing }
}

export function scanOf(collection: string, plan: Plan): ScanPlan {
  switch (plan.kind) {
    case 'id':
      return { collection, ids: plan.ids }
    case 'index': {
      const { ranges, order: direction = 'asc' } = plan.use
      return { collection, index: { number: plan.index.number, ranges, direction } }
    }
    case 'scan':
      return plan.containing.length > 0 ? { collection, containing: plan.containing } : { collection }
  }
}

function uniqueIds(values: readonly Value[]): DocId[] {
  const isId = (value: Value): value is DocId => typeof value === 'string' || typeof value === 'number'
  return [...new Set(values.filter(isId).filter(id => !Number.isNaN(id)))].sort(compareValues)
}

function isPlainScalar(value: Value): boolean {
  return typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value)
}
