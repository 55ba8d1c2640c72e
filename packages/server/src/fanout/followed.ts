import { assert, CloudError, type DocId, type Document } from '@nearcloud/protocol'
import { compileFilter, type Query } from '@nearcloud/query'
import { FeedWindow, type FeedWindowOptions, largestWindow } from './feed-window.ts'
import type { Follower, SubscriptionIndex } from './subscription-index.ts'

/** A followed query without a limit. */
export interface Plain {
  readonly query: Query
  matches(document: Document): boolean
  stop(): void
}

export interface PlainFollower extends Follower {
  /** A query without a limit is followed from now on. */
  begins(collection: string, matches: (document: Document) => boolean): void
}

/** The queries one client follows, by subscription. */
export class Followed {
  readonly #index: SubscriptionIndex
  readonly #follower: PlainFollower
  readonly #windowOptions: Omit<FeedWindowOptions, 'subscription' | 'query'>
  readonly #plain = new Map<number, Plain>()
  readonly #windows = new Map<number, { window: FeedWindow; stop(): void }>()

  /** `follower` hears what concerns queries without a limit; windows hear for themselves. */
  constructor(
    index: SubscriptionIndex,
    follower: PlainFollower,
    windowOptions: Omit<FeedWindowOptions, 'subscription' | 'query'>,
  ) {
    this.#index = index
    this.#follower = follower
    this.#windowOptions = windowOptions
  }

  get size(): number {
    return this.#plain.size + this.#windows.size
  }

  has(subscription: number): boolean {
    return this.#plain.has(subscription) || this.#windows.has(subscription)
  }

  plain(subscription: number): Plain | undefined {
    return this.#plain.get(subscription)
  }

  window(subscription: number): FeedWindow | undefined {
    return this.#windows.get(subscription)?.window
  }

  get hasWindows(): boolean {
    return this.#windows.size > 0
  }

  get windows(): readonly FeedWindow[] {
    return [...this.#windows.values()].map(({ window }) => window)
  }

  /** Throws INVALID_PARAM for too large a window. */
  add(subscription: number, query: Query): void {
    assert(!this.has(subscription), 'a subscription has one query')
    if (!isWindowed(query)) {
      const stop = this.#index.follow(query, this.#follower)
      const matches = compileFilter(query.where)
      this.#plain.set(subscription, { query, matches, stop })
      this.#follower.begins(query.collection, matches)
      return
    }
    if (query.limit === undefined || query.skip + query.limit > largestWindow)
      throw new CloudError('INVALID_PARAM', {
        errMsg: `a query with a skip or limit is followed up to ${largestWindow} documents`,
      })
    const window = new FeedWindow({ ...this.#windowOptions, subscription, query })
    this.#windows.set(subscription, { window, stop: this.#index.follow(query, window) })
  }

  remove(subscription: number): void {
    this.#plain.get(subscription)?.stop()
    this.#windows.get(subscription)?.stop()
    this.#plain.delete(subscription)
    this.#windows.delete(subscription)
  }

  removeAll(): void {
    for (const subscription of [...this.#plain.keys(), ...this.#windows.keys()]) this.remove(subscription)
  }

  /** Does a query without a limit match? */
  matches(collection: string, document: Document | null): boolean {
    if (!document) return false
    for (const { query, matches } of this.#plain.values())
      if (query.collection === collection && matches(document)) return true
    return false
  }

  /** Does a query without a limit match whose documents are all with the client? */
  holds(collection: string, document: Document, isArriving: (subscription: number) => boolean): boolean {
    for (const [subscription, { query, matches }] of this.#plain)
      if (query.collection === collection && matches(document) && !isArriving(subscription)) return true
    return false
  }

  /** Was it told to be in a window? */
  isInWindow(collection: string, id: DocId): boolean {
    for (const { window } of this.#windows.values())
      if (window.query.collection === collection && window.told.has(id)) return true
    return false
  }
}

export function isWindowed(query: Query): boolean {
  return query.skip > 0 || query.limit !== undefined
}
