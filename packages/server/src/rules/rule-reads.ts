import { type Document, encode, type Value } from '@nearcloud/protocol'
import type { Filter } from '@nearcloud/query'
import { RuleEvaluationError } from './scope.ts'

/**
 * What rules read of other documents: with all rights, as they were committed last, and never sent to anybody.
 *
 * It answers at once. What is not known yet is a `ReadNeeded`: whoever asked the judge loads it and asks again.
 */
export interface RuleReads {
  document(collection: string, id: string): Document | null
  /** How many documents match. Throws RuleEvaluationError for more than `mostMatching`. */
  count(collection: string, where: Filter): number
}

/** One document, or all that match. */
export type RuleRead =
  | { readonly collection: string; readonly id: string }
  | { readonly collection: string; readonly where: Filter }

/** A decision that waits for a read. */
export class ReadNeeded extends Error {
  readonly read: RuleRead

  constructor(read: RuleRead) {
    super('a rule reads what is not loaded')
    this.name = 'ReadNeeded'
    this.read = read
  }
}

/** `RuleReads` that can be made to know. */
export interface LoadingReads extends RuleReads {
  load(read: RuleRead): Promise<void>
}

/** What `decide` says: at once when everything is known that it reads, else when it is loaded. */
export function decided<T>(reads: LoadingReads, decide: () => T): T | Promise<T> {
  try {
    return decide()
  } catch (thrown) {
    if (!(thrown instanceof ReadNeeded)) throw thrown
    return decidedLater(reads, decide, thrown)
  }
}

async function decidedLater<T>(reads: LoadingReads, decide: () => T, needed: ReadNeeded): Promise<T> {
  for (let { read } = needed, round = 0; ; round++) {
    await reads.load(read)
    try {
      return decide()
    } catch (thrown) {
      if (!(thrown instanceof ReadNeeded) || round > maxRounds) throw thrown
      read = thrown.read
    }
  }
}

/** Nothing can be read: a rule that does refuses. */
export const noReads: RuleReads = {
  document: cannotRead,
  count: cannotRead,
}

function cannotRead(): never {
  throw new RuleEvaluationError('other documents cannot be read here')
}

/** The name of a read. */
export function nameOf(read: RuleRead): string {
  return 'id' in read
    ? `${read.collection}/${read.id}`
    : `${read.collection}?${encode(read.where as unknown as Value)}`
}

/** A rule counts so many documents, not more. */
export const mostMatching = 1_000
/** More than one decision can read; it is asked again when something was forgotten meanwhile. */
const maxRounds = 64
