import { type CloudError, toCloudError } from '@nearcloud/protocol'
import type { Query, Snapshot } from '@nearcloud/query'
import type { Collections } from './collections.ts'
import { LiveQuery, type Within } from './live-query.ts'
import type { Outbox } from './outbox.ts'
import type { Change } from './overlay.ts'

interface Watch {
  readonly live: LiveQuery
  readonly next: (snapshot: Snapshot) => void
  isOpen: boolean
}

/** The watched queries by collection, and the snapshots on their way to observers. */
export class LiveQueries {
  readonly #watchesByCollection = new Map<string, Set<Watch>>()
  readonly #collections: Collections
  readonly #outbox: Outbox
  readonly #observerFailed: (error: CloudError) => void
  #deliveries: { watch: Watch; snapshot: Snapshot }[] = []

  constructor(collections: Collections, outbox: Outbox, observerFailed: (error: CloudError) => void) {
    this.#collections = collections
    this.#outbox = outbox
    this.#observerFailed = observerFailed
  }

  watch(query: Query, next: (snapshot: Snapshot) => void, within: Within | undefined): () => void {
    const live = new LiveQuery(query, this.#collections.of(query.collection), this.#outbox, within)
    const watch: Watch = { live, next, isOpen: true }
    const watches = this.#watchesByCollection.get(query.collection) ?? new Set()
    this.#watchesByCollection.set(query.collection, watches.add(watch))
    this.#deliver(watch, live.first())
    return () => {
      watch.isOpen = false
      watches.delete(watch)
    }
  }

  /** One commit or step, all of it. */
  publish(changes: readonly Change[]): void {
    const changesByCollection = new Map<string, Change[]>()
    for (const change of changes) {
      const list = changesByCollection.get(change.collection)
      if (list) list.push(change)
      else changesByCollection.set(change.collection, [change])
    }
    for (const [collection, watches] of this.#watchesByCollection) {
      const concerning = changesByCollection.get(collection)
      for (const watch of watches) {
        // a step without changes can still move a window
        if (!concerning && !watch.live.isWindowed) continue
        const snapshot = watch.live.after(concerning ?? [])
        if (snapshot) this.#deliver(watch, snapshot)
      }
    }
  }

  close(): void {
    for (const watches of this.#watchesByCollection.values())
      for (const watch of watches) watch.isOpen = false
    this.#watchesByCollection.clear()
  }

  #deliver(watch: Watch, snapshot: Snapshot): void {
    this.#deliveries.push({ watch, snapshot })
    if (this.#deliveries.length === 1) Promise.resolve().then(() => this.#deliverAll())
  }

  #deliverAll(): void {
    const deliveries = this.#deliveries
    this.#deliveries = []
    for (const { watch, snapshot } of deliveries) {
      if (!watch.isOpen) continue
      try {
        watch.next(snapshot)
      } catch (thrown) {
        this.#observerFailed(toCloudError(thrown, 'an observer of a watch threw'))
      }
    }
  }
}
