import type { IndexDefinition, Query } from '../types.ts'
import { type IndexPlan, type Multikey, planIndex } from './plan-index.ts'

/**
 * The index of most use to a query, as far as can be told without counting: by equalities, then by a range, then, for a
 * query with a limit, by its order. Undefined when none is of use; an order without a limit is none.
 */
export function chooseIndex<
  Index extends { readonly definition: IndexDefinition; readonly multikey: Multikey },
>(indexes: Iterable<Index>, query: Query): { readonly index: Index; readonly plan: IndexPlan } | undefined {
  let best: { index: Index; plan: IndexPlan; use: number } | undefined
  for (const index of indexes) {
    const plan = planIndex(index.definition, index.multikey, query)
    if (!plan) continue
    const use = useOf(plan, query)
    if (use > (best?.use ?? 0)) best = { index, plan, use }
  }
  return best
}

function useOf({ ranges, equalities, hasBound, order }: IndexPlan, { limit }: Query): number {
  if (ranges.length === 0) return Infinity
  return equalities * 4 + (hasBound ? 2 : 0) + (order !== undefined && limit !== undefined ? 1 : 0)
}
