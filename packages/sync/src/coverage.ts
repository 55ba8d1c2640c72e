import { coversFilter, type Query } from '@nearcloud/query'
import { followedQuery, keyOf } from './followed.ts'
import type { Subscription } from './subscription.ts'

/** Which subscription answers a query; what was found once is found again at once. */
export class Coverage {
  readonly #subscriptions: ReadonlyMap<string, Subscription>
  readonly #known = new Map<string, Subscription>()
  readonly #keys = new WeakMap<Query, string>()

  /** By the keys of their queries. */
  constructor(subscriptions: ReadonlyMap<string, Subscription>) {
    this.#subscriptions = subscriptions
  }

  /** The key of the query that is followed for this one. */
  keyOf(query: Query): string {
    let key = this.#keys.get(query)
    if (key === undefined) {
      key = keyOf(followedQuery(query))
      this.#keys.set(query, key)
    }
    return key
  }

  /** A complete subscription that answers `query`: of the same window, or of all that matches and more. */
  covering(query: Query): Subscription | undefined {
    const key = this.keyOf(query)
    let found = this.#known.get(key)
    if (found?.isComplete) return found
    found = this.#find(key, followedQuery(query))
    if (found) this.#known.set(key, found)
    return found
  }

  /** A subscription is no more. */
  forget(): void {
    this.#known.clear()
  }

  #find(key: string, query: Query): Subscription | undefined {
    const same = this.#subscriptions.get(key)
    if (same?.isComplete) return same
    for (const subscription of this.#subscriptions.values()) {
      if (subscription.isWindowed || subscription.query.collection !== query.collection) continue
      if (subscription.isComplete && coversFilter(subscription.query.where, query.where)) return subscription
    }
    return undefined
  }
}
