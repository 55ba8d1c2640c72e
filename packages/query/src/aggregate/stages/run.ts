import type { Document, DocumentData, Millis } from '@nearcloud/protocol'
import type { Aggregation, Query } from '../../types.ts'
import { refuse } from '../scope.ts'

/** Where an aggregation reads. */
export interface Source {
  /**
   * The documents that match, as the asker may see them, in pages; in the query's order when it has one, cut by its skip
   * and limit. Whole documents.
   */
  find(query: Query): AsyncIterable<readonly Document[]>
}

/** What an aggregation may cost. An error names the limit (`details.limit`) that was reached. */
export interface AggregationBudget {
  /** Stages, those of lookups included. */
  readonly stages: number
  /** Documents read, those of lookups included, and documents held by one stage. */
  readonly documents: number
  /** Of what is held at one time, about: characters of the canonical text. */
  readonly bytes: number
  readonly timeMs: Millis
}

export interface AggregateOptions {
  readonly source: Source
  now(): Millis
  /** From 0 to below 1. */
  random(): number
  readonly budget?: Partial<AggregationBudget>
}

/** What comes out of a pipeline, in order, frozen. */
export async function aggregate(
  _aggregation: Aggregation,
  _options: AggregateOptions,
): Promise<readonly DocumentData[]> {
  throw refuse('not yet')
}
