import type { DocId } from '@nearcloud/protocol'
import type { Query } from '@nearcloud/query'
import type { Arrival, Holder } from './subscription.ts'

/** A query that is kept in step, as somebody who wants it sees it. */
export interface Held {
  /** Its documents are here, as of the last change message. */
  readonly isComplete: boolean
  /** The ids in its window; undefined when it has none, or none came yet. */
  readonly window: ReadonlySet<DocId> | undefined
  /** `patient`: waits for another connection when this one goes. Rejects when the server refuses. */
  arrival(options: { patient: boolean }): Promise<Arrival>
}

/** Who keeps queries in step. */
export interface Holdings<H extends Held = Held> {
  /** One that answers `query` now. */
  covering(query: Query): H | undefined
  /** Keeps `query` in step for `holder` until `release`. */
  hold(query: Query, holder: Holder): H
  /** `warm`: it may be wanted again soon. */
  release(held: H, holder: Holder, options: { warm: boolean }): void
}
