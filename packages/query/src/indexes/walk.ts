import type { Direction, IndexDefinition, Query } from '../types.ts'
import { nearestFirst } from './nearest.ts'

/**
 * The direction in which an index gives a query's order, if one does. `points`: how many values each of the first paths
 * equals in what is walked.
 *
 * Every path of the index takes part in the order, from the first on, unless it has one value only.
 */
export function walkOf(
  { keys }: IndexDefinition,
  points: readonly number[],
  isMultikey: (path: string) => boolean,
  query: Query,
): Direction | undefined {
  const steps = stepsOf(query)
  if (!steps) return undefined
  const isOne = (path: string) => points[keys.findIndex(key => key[0] === path)] === 1
  let direction: Direction | undefined
  let at = 0
  for (const [path, kind] of keys) {
    if (isOne(path)) continue
    if (isMultikey(path)) return undefined
    while (at < steps.length && isOne(steps[at]![0]) && !isMultikey(steps[at]![0])) at++
    const step = steps[at++]
    if (!step) continue // after `_id` there is nothing left to order
    if (step[0] !== path || kind === '2dsphere') return undefined
    const needed = (step[1] === 'asc') === (kind === 1) ? 'asc' : 'desc'
    if (direction !== undefined && direction !== needed) return undefined
    direction = needed
  }
  return direction
}

/** What the answer is sorted by, `_id` last; nothing when it is a distance. */
function stepsOf(query: Query): readonly (readonly [path: string, direction: Direction])[] | undefined {
  return nearestFirst(query) ? undefined : [...query.orderBy, ['_id', 'asc']]
}
