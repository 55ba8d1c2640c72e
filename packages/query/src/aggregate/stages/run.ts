import type { Document, DocumentData, Millis } from '@nearcloud/protocol'
import type { Aggregation, Query, Stage } from '../../types.ts'
import { noVariables } from '../scope.ts'
import { type AggregationBudget, Meter } from './meter.ts'
import { gather } from './pages.ts'
import { compilePipeline } from './pipeline.ts'

export type { AggregationBudget } from './meter.ts'

/** Where an aggregation reads. */
export interface Source {
  /**
   * The documents that match, as the asker may see them, in pages; in the query's order when it has one, cut by its skip
   * and limit. Whole documents. What is found is trusted: no condition of the query is looked at again.
   */
  find(query: Query): AsyncIterable<readonly Document[]>
}

export interface AggregateOptions {
  readonly source: Source
  now(): Millis
  /** From 0 to below 1. */
  random(): number
  /** By default 100 stages, 1,000,000 documents, 100,000,000 bytes, 30 seconds. */
  readonly budget?: Partial<AggregationBudget>
}

/**
 * What comes out of a pipeline, in order, frozen. The aggregation is checked (made by the builder or `parseAggregation`).
 *
 * Throws DATABASE_REQUEST_FAILED for data that does not fit, and when a limit of the budget is passed (`details.limit`).
 */
export async function aggregate(
  { collection, stages }: Aggregation,
  { source, now, random, budget = {} }: AggregateOptions,
): Promise<readonly DocumentData[]> {
  const meter = new Meter(budget, now)
  meter.checkStages(countStages(stages))
  const means = { source, meter, random, known: new Map() }
  const run = compilePipeline(collection, stages, noVariables)
  return gather(run(means), meter.holding())
}

/** Those of lookups included. */
export function countStages(stages: readonly Stage[]): number {
  return stages.reduce((count, stage) => {
    const inner = stage[0] === 'lookup' && 'pipeline' in stage[1] ? countStages(stage[1].pipeline) : 0
    return count + 1 + inner
  }, 0)
}
