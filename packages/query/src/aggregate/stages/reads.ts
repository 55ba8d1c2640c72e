import type { Aggregation, Query } from '../../types.ts'
import { refuse } from '../scope.ts'

/**
 * What an aggregation reads, as queries: its own collection narrowed by the leading `match` stages, then the collection of
 * each lookup narrowed by the leading `match` stages of its pipeline as far as they name no variable. Without order, skip, limit.
 */
export function readsOf(_aggregation: Aggregation): readonly Query[] {
  throw refuse('not yet')
}

/** As `bindOpenid`, in every `match` and expression. */
export function bindAggregation(_aggregation: Aggregation, _openid: string): Aggregation {
  throw refuse('not yet')
}
