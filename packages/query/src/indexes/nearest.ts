import { clausesOf } from '../constraints.ts'
import type { Query } from '../types.ts'

/** A query that is answered nearest first. */
export interface NearestFirst {
  readonly path: string
  /** Metres; Infinity when none is said. */
  readonly maxDistance: number
  /**
   * The same of what is no farther than so many metres: its answer is the beginning of the whole one, and is quickly
   * found with an index when the circle is small.
   */
  within(metres: number): Query
}

/** Undefined for a query with another order. */
export function nearestFirst(query: Query): NearestFirst | undefined {
  if (query.orderBy.length > 0) return undefined
  for (const clause of clausesOf(query.where)) {
    if (clause[0] !== 'field' || clause[2][0] !== 'geoNear') continue
    const [, path, [, near]] = clause
    return {
      path,
      maxDistance: near.maxDistance ?? Infinity,
      within: maxDistance => ({
        ...query,
        where: ['and', [query.where, ['field', path, ['geoNear', { ...near, maxDistance }]]]],
      }),
    }
  }
  return undefined
}
