import { checkCollectionName, type Json, toJson, type Value } from '@nearcloud/protocol'
import { asRecord } from '../../parse/shapes.ts'
import type { Aggregation, Stage } from '../../types.ts'
import { noVariables } from '../scope.ts'
import { Allowance } from './parse/allowance.ts'
import { stagesOf } from './parse/parse-stage.ts'
import { compilePipeline } from './pipeline.ts'

/** An aggregation as a JSON tree for a message; `parseAggregation` reads it. */
export function aggregationToJson({ collection, stages }: Aggregation): Json {
  return { collection, stages: stagesToJson(stages) }
}

/**
 * The aggregation a stranger's tree means; strict, as `parseQuery`: at most 100 stages together with those of lookups, lookups
 * nested at most 4 deep, 10,000 parts of expressions. Operators, accumulators and variables are known ones.
 *
 * Throws INVALID_PARAM, DATABASE_INVALID_OPERATOR (VALUE_REFUSED for a value that cannot be stored).
 */
export function parseAggregation(tree: unknown): Aggregation {
  const source = asRecord(tree, 'an aggregation', ['collection', 'stages'])
  checkCollectionName(source.collection)
  return Object.freeze({ collection: source.collection, stages: parseStages(source.stages) })
}

export function stagesToJson(stages: readonly Stage[]): Json {
  return toJson(stages as unknown as Value)
}

/** The stages of a tree, alone; as `parseAggregation`. */
export function parseStages(tree: unknown): readonly Stage[] {
  const stages = stagesOf(tree, new Allowance())
  compilePipeline('', stages, noVariables) // what expressions mean is known by whoever compiles them
  return stages
}
