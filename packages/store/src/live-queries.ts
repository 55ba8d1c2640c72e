import { type CloudError, toCloudError } from '@nearcloud/protocol'
import type { Query, Snapshot } from '@nearcloud/query'
import type { Collections } from './collections.ts'
import { LiveQuery, type Within } from './live-query.ts'
import type { Outbox } from './outbox.ts'
import type { Change } from './overlay.ts'
import { WatchIndex } from './watch-index.ts'

interface Watch {
  readonly live: LiveQuery
  readonly next: (snapshot: Snapshot) => void
  isOpen: boolean
}

/** The watched queries by collection, and the snapshots on their way to observers. */
export class LiveQueries {
  readonly #watchesByCollection = new Map<string, WatchIndex<Watch>>()
  /** A step can move a window without changing a document. */
  readonly #windowed = new Set<Watch>()
  readonly #collections: Collections
  readonly #outbox: Outbox
  readonly #observerFailed: (error: CloudError) => void
  #isClosed = false
  #deliveries: { watch: Watch; snapshot: Snapshot }[] = []

  constructor(collections: Collections, outbox: Outbox, observerFailed: (error: CloudError) => void) {
    this.#collections = collections
    this.#outbox = outbox
    this.#observerFailed = observerFailed
  }

  watch(query: Query, next: (snapshot: Snapshot) => void, within: Within | undefined): () => void {
    const live = new LiveQuery(query, this.#collections.of(query.collection), this.#outbox, within)
    const watch: Watch = { live, next, isOpen: true }
    const leave = this.#enter(watch)
    this.#deliver(watch, live.first())
    return () => {
      watch.isOpen = false
      leave()
    }
  }

  /** One commit or step, all of it. */
  publish(changes: readonly Change[]): void {
    if (this.#watchesByCollection.size + this.#windowed.size === 0) return
    const changesByCollection = new Map<string, Change[]>()
    for (const change of changes) {
      const list = changesByCollection.get(change.collection)
      if (list) list.push(change)
      else changesByCollection.set(change.collection, [change])
    }
    for (const [collection, concerning] of changesByCollection)
      for (const watch of this.#watchesByCollection.get(collection)?.concernedBy(concerning) ?? [])
        this.#update(watch, concerning)
    for (const watch of this.#windowed)
      this.#update(watch, changesByCollection.get(watch.live.query.collection) ?? [])
  }

  close(): void {
    this.#isClosed = true
  }

  /** Returns the way out. */
  #enter(watch: Watch): () => void {
    const { query, isWindowed } = watch.live
    if (isWindowed) {
      this.#windowed.add(watch)
      return () => this.#windowed.delete(watch)
    }
    const watches = this.#watchesByCollection.get(query.collection) ?? new WatchIndex<Watch>()
    this.#watchesByCollection.set(query.collection, watches)
    return watches.add(watch, query)
  }

  #update(watch: Watch, changes: readonly Change[]): void {
    const snapshot = watch.live.after(changes)
    if (snapshot) this.#deliver(watch, snapshot)
  }

  #deliver(watch: Watch, snapshot: Snapshot): void {
    this.#deliveries.push({ watch, snapshot })
    if (this.#deliveries.length === 1) Promise.resolve().then(() => this.#deliverAll())
  }

  #deliverAll(): void {
    const deliveries = this.#deliveries
    this.#deliveries = []
    for (const { watch, snapshot } of deliveries) {
      if (!watch.isOpen || this.#isClosed) continue
      try {
        watch.next(snapshot)
      } catch (thrown) {
        this.#observerFailed(toCloudError(thrown, 'an observer of a watch threw'))
      }
    }
  }
}
