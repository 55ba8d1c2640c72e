import type { Clock, CloudError, RandomBytes } from '@nearcloud/protocol'
import type { Executor, Query } from '@nearcloud/query'

/** How the documents this app knows differ from those that are stored: made by `lenses`, for `init({ lenses })`. */
export interface Lenses {
  /** Asks `stored` for what is asked in this app's shapes, and answers in them. */
  over(stored: Required<Executor>, host: LensHost): Required<Executor>
  /** What has to be here for the query to be answered here. Throws INVALID_PARAM. */
  reading(query: Query): Query
}

export interface LensHost {
  readonly random: RandomBytes
  readonly clock: Clock
  /** Who the server says this device is. */
  openid(): string | undefined
  /** A document does not fit its lens. */
  failed(error: CloudError): void
}
