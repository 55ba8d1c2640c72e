import { type CloudError, toCloudError } from '@nearcloud/protocol'
import type { Query, Snapshot } from '@nearcloud/query'
import type { Collections } from './collections.ts'
import { LiveQuery, type Within } from './live-query.ts'
import type { Outbox } from './outbox.ts'
import type { Change } from './overlay.ts'
import { CopiesInPieces, FirstInPieces } from './watch-in-pieces.ts'
import { WatchIndex } from './watch-index.ts'

interface Watch {
  readonly live: LiveQuery
  readonly next: (snapshot: Snapshot) => void
  isOpen: boolean
  /** Where the host wants its turn. */
  readonly pause: (() => Promise<void>) | undefined
  /** Its first result is being made. */
  first?: FirstInPieces | undefined
  /** Made with the first large one. */
  copies?: CopiesInPieces
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

  /** `pause`: where the host wants its turn; then large results are made, and handed over as copies, with pauses. */
  watch(
    query: Query,
    next: (snapshot: Snapshot) => void,
    within: Within | undefined,
    pause?: () => Promise<void>,
  ): () => void {
    const collection = this.#collections.of(query.collection)
    const live = new LiveQuery(query, collection, this.#outbox, within)
    const watch: Watch = { live, next, isOpen: true, pause }
    const leave = this.#enter(watch)
    const isWhole = !live.isWindowed && query.limit === undefined && query.skip === 0
    if (pause && isWhole && collection.size > mostAtOnce) this.#firstInPieces(watch, pause)
    else this.#deliver(watch, live.whole())
    return () => {
      watch.isOpen = false
      leave()
    }
  }

  /** Somebody watches, or did. */
  get isWatched(): boolean {
    return this.#watchesByCollection.size + this.#windowed.size > 0
  }

  /** One commit or step, all of it. */
  publish(changes: readonly Change[]): void {
    if (!this.isWatched) return
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

  #firstInPieces(watch: Watch, pause: () => Promise<void>): void {
    watch.first = new FirstInPieces(watch.live)
    watch.first.make({ pause, isWanted: () => this.#isWanted(watch) }).then(
      snapshot => {
        watch.first = undefined
        if (snapshot) this.#deliver(watch, snapshot)
      },
      (thrown: unknown) => this.#observerFailed(toCloudError(thrown)),
    )
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
    const snapshot = watch.first ? watch.first.heard(changes) : watch.live.after(changes)
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
      if (!this.#isWanted(watch)) continue
      const { pause } = watch
      const isLarge = snapshot.docs.length + snapshot.docChanges.length > mostAtOnce
      if (pause && isLarge)
        watch.copies ??= new CopiesInPieces({
          pause,
          isWanted: () => this.#isWanted(watch),
          tell: copy => this.#tell(watch, copy),
        })
      if (watch.copies && (isLarge || watch.copies.isBusy)) watch.copies.deliver(snapshot)
      else this.#tell(watch, snapshot)
    }
  }

  #isWanted({ isOpen }: Watch): boolean {
    return isOpen && !this.#isClosed
  }

  #tell(watch: Watch, snapshot: Snapshot): void {
    try {
      watch.next(snapshot)
    } catch (thrown) {
      this.#observerFailed(toCloudError(thrown, 'an observer of a watch threw'))
    }
  }
}

/** So many documents are shown and copied without a pause. */
const mostAtOnce = 500
