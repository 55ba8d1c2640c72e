import type { Aggregation, Filter, Query, Stage } from '../../types.ts'
import { conditionsOf } from './beginning.ts'

/**
 * What an aggregation reads, as queries: its own collection narrowed by the leading `match` stages (or the `query` of
 * `geoNear`), then the collection of each lookup narrowed by the leading `match` stages of its pipeline as far as they name
 * no variable. Without order, skip, limit. Whatever the pipeline asks of its source is asked with these conditions.
 */
export function readsOf({ collection, stages }: Aggregation): readonly Query[] {
  return [...readsOfStages(collection, stages, new Set())]
}

function* readsOfStages(
  collection: string,
  stages: readonly Stage[],
  variables: ReadonlySet<string>,
): Iterable<Query> {
  yield reading(collection, conditionsOf(stages, variables).where)
  for (const [name, join] of stages) {
    if (name !== 'lookup') continue
    if ('pipeline' in join) {
      const inside = new Set([...variables, ...join.let.map(([variable]) => variable)])
      yield* readsOfStages(join.from, join.pipeline, inside)
    } else yield reading(join.from, ['and', []])
  }
}

function reading(collection: string, where: Filter): Query {
  return { collection, where, orderBy: [], skip: 0 }
}
