import type { Aggregation, Query } from '../../types.ts'
import { refuse } from '../scope.ts'

export function readsOf(_aggregation: Aggregation): readonly Query[] {
  throw refuse('not yet')
}
export function bindAggregation(_aggregation: Aggregation, _openid: string): Aggregation {
  throw refuse('not yet')
}
