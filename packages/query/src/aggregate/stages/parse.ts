import type { Json } from '@nearcloud/protocol'
import type { Aggregation } from '../../types.ts'
import { refuse } from '../scope.ts'

/** An aggregation as a JSON tree for a message; `parseAggregation` reads it. */
export function aggregationToJson(_aggregation: Aggregation): Json {
  throw refuse('not yet')
}

/** The aggregation a stranger's tree means; strict, as `parseQuery`. Throws INVALID_PARAM. */
export function parseAggregation(_tree: unknown): Aggregation {
  throw refuse('not yet')
}
