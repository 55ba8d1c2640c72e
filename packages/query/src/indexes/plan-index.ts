import type { Direction, IndexDefinition, Query } from '../types.ts'

/** From `from` up to, and without, `to`; without `to` up to the end. */
export interface KeyRange {
  readonly from: string
  readonly to?: string
}

/** How a query may use an index. */
export interface IndexPlan {
  /** Ascending, apart from each other: every match has a key in one of them. */
  readonly ranges: readonly KeyRange[]
  /** Walked in this direction, keys come in the order of the query's `orderBy` (documents of one key in none). */
  readonly order?: Direction
  /** How many conditions the ranges stand for; the more the better. */
  readonly equalities: number
  readonly hasBound: boolean
}

/** `isMultikey`: some document in the index has it. Undefined when the index is of no use to the query. */
export function planIndex(
  _definition: IndexDefinition,
  _isMultikey: boolean,
  _query: Query,
): IndexPlan | undefined {
  throw new Error('not yet')
}
