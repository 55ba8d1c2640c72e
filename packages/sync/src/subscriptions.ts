import type { Clock, CloudError, DocId, Document, Millis, UpOf, Version } from '@nearcloud/protocol'
import { clausesOf, compareValues, type Progress, type Query, queryToJson } from '@nearcloud/query'
import type { Store } from '@nearcloud/store'
import { Coverage } from './coverage.ts'
import type { Crossing } from './crossing.ts'
import { followedQuery } from './followed.ts'
import type { Holdings } from './holdings.ts'
import { SnapshotAssembly } from './snapshot-assembly.ts'
import { type Done, type Holder, Subscription } from './subscription.ts'
import type { SubscriptionSink } from './subscription-sink.ts'
import type { Arriving } from './sync.ts'

export interface SubscriptionsOptions {
  readonly store: Store
  readonly clock: Clock
  /** How long a query nobody wants any more is kept in step. */
  readonly warmMs: Millis
  /** Of how many documents here on a query is compared rather than fetched. */
  readonly compareFrom: number
  /** The store refused. */
  failed(error: unknown): void
  /** A subscription was added, completed, refused or dropped. */
  changed(): void
  progressed(progress: Progress & { readonly query: Query }): void
}

/** Every query that is kept in step: who wants it, and how far it is. */
export class Subscriptions implements Holdings<Subscription> {
  readonly #options: SubscriptionsOptions
  readonly #byKey = new Map<string, Subscription>()
  readonly #coverage = new Coverage(this.#byKey)
  #byId = new Map<number, Subscription>()
  #lastId = 0
  #hasLetGo = false
  #sink: SubscriptionSink | undefined
  /** Named in a greeting that had no answer yet when they were let go. */
  #unheard: number[] = []
  /** While a copy is compared: what came of it, and is not shown yet. */
  crossing: Crossing | undefined
  /** Of a conversation that ended meanwhile: what it brought may be gone on with. */
  #cut: Crossing | undefined

  constructor(options: SubscriptionsOptions) {
    this.#options = options
    for (const [key, { query, letGo }] of options.store.subscriptions)
      if (letGo === undefined) this.#add(key, query, true)
  }

  [Symbol.iterator](): Iterator<Subscription> {
    return this.#byKey.values()
  }

  /** In this conversation: of what was let go the other side may say something before it hears of it. */
  get hasLetGo(): boolean {
    return this.#hasLetGo
  }

  byId(id: number | undefined): Subscription | undefined {
    return this.#byId.get(id!)
  }

  /** A complete subscription that answers `query`: of the same window, or of all that matches and more. */
  covering(query: Query): Subscription | undefined {
    return this.#coverage.covering(query)
  }

  /** Keeps `query` in step for `holder`, by a subscription that covers it or by its own, until `release`. */
  hold(query: Query, holder: Holder): Subscription {
    const key = this.#coverage.keyOf(query)
    const subscription = this.covering(query) ?? this.#byKey.get(key) ?? this.#add(key, followedQuery(query))
    this.#give(subscription, holder, query)
    return subscription
  }

  /** `warm`: it may be wanted again soon. */
  release(subscription: Subscription, holder: Holder, options: { warm: boolean }): void {
    subscription.holders.delete(holder)
    if (this.#byKey.get(subscription.key) !== subscription) return
    if (subscription.holders.size > 0) {
      this.#prioritise(subscription)
      return
    }
    if (options.warm && !subscription.denial) this.#keepWarm(subscription)
    else this.#drop(subscription)
  }

  /** Is this confirmed document here because of a subscription other than `except`? */
  isAbout(collection: string, document: Document, except?: Subscription): boolean {
    for (const subscription of this.#byKey.values())
      if (subscription !== except && subscription.isAbout(collection, document)) return true
    return false
  }

  /** It is dropped: the documents that are here because of it alone. Of those that are not shown nothing is kept. */
  disown(subscription: Subscription): { collection: string; version: Version; id: DocId }[] {
    const { collection } = subscription.query
    const owned: { collection: string; version: Version; id: DocId }[] = []
    const isOwned = (document: Document) =>
      subscription.has(collection, document) && !this.isAbout(collection, document, subscription)
    for (const { document, version } of this.#options.store.confirmedDocuments(collection))
      if (isOwned(document)) owned.push({ collection, version, id: document._id })
    this.crossing?.forget(subscription, isOwned)
    return owned
  }

  /** Is every document of the collection here because of a subscription? */
  isAboutAll(collection: string): boolean {
    for (const { query, denial, isWindowed } of this.#byKey.values())
      if (query.collection === collection && !isWindowed && !denial && clausesOf(query.where).length === 0)
        return true
    return false
  }

  /** What a greeting looks at is read from storage, in steps; undefined when it was. */
  loading(): Promise<void> | undefined {
    const names = new Set([...this.#byKey.values()].map(({ query }) => query.collection))
    const loads = [...names].flatMap(name => this.#options.store.load(name) ?? [])
    return loads.length > 0 ? Promise.all(loads).then(() => undefined) : undefined
  }

  /** What a greeting says of them; each gets its number, and refused ones another chance. */
  greet(): UpOf<'hello'>['subscriptions'] {
    this.#byId = new Map()
    this.#hasLetGo = false
    this.#unheard = []
    return [...this.#byKey.values()].map(subscription => {
      subscription.denial = undefined
      subscription.isDoubted = false
      const { after } = subscription
      this.#number(subscription)
      return {
        id: subscription.id!,
        query: queryToJson(subscription.query),
        complete: subscription.isComplete,
        ...(subscription.toldPriority !== 'normal' && { priority: subscription.toldPriority }),
        ...(after !== undefined && { after }),
        ...(after === undefined && this.#isWorthComparing(subscription) && { holds: true as const }),
      }
    })
  }

  /**
   * The conversation is under way: those wanted since the greeting are told, and new ones as they come. Resumed, cut
   * snapshots go on where they were.
   */
  begin(sink: SubscriptionSink, isResumed: boolean): void {
    this.#sink = sink
    for (const id of this.#unheard.splice(0)) sink.unsubscribe(id)
    for (const subscription of this.#byKey.values()) {
      if (subscription.id === undefined) this.#tell(subscription)
      else if (!subscription.isComplete || subscription.isWindowed) {
        subscription.assembly = isResumed ? this.#goingOn(subscription) : new SnapshotAssembly()
        if (subscription.assembly.after === undefined) subscription.done = undefined
        this.#prioritise(subscription)
      }
      if (subscription.holders.size === 0) this.#keepWarm(subscription)
    }
    this.#cut = undefined
  }

  /** Those whose documents are here as they were before, and are compared now or come anew, as windows always do. */
  get awaited(): readonly Subscription[] {
    return [...this.#byKey.values()].filter(({ isInDoubt, window }) => isInDoubt || window !== undefined)
  }

  /** The conversation is over. */
  end(): void {
    this.#sink = undefined
    this.#cut = this.crossing ?? this.#cut
    this.crossing = undefined
    this.#byId = new Map()
    for (const subscription of this.#byKey.values()) {
      subscription.id = undefined
      subscription.lost()
    }
  }

  /** There is nobody to ask, and nobody to wait for. */
  lost(): void {
    for (const subscription of this.#byKey.values()) subscription.lost()
  }

  /** Those whose snapshots are under way or to come. */
  arriving(): Arriving[] {
    return [...this.#byKey.values()]
      .filter(each => !each.isComplete && !each.denial)
      .map(({ query, done }) => {
        const { collection } = query
        return { collection, query, done: done?.done ?? 0, total: done?.total }
      })
  }

  /** A part of its snapshot has taken effect. */
  progressed(subscription: Subscription, done: Done): void {
    subscription.done = done
    for (const holder of [...subscription.holders.keys()]) {
      try {
        holder.progressed?.(done)
      } catch {
        // whoever listens answers for it
      }
    }
    const { query } = subscription
    this.#options.progressed({ collection: query.collection, ...done, query })
  }

  completed(subscription: Subscription): void {
    if (this.#byKey.get(subscription.key) !== subscription || subscription.denial) return // meanwhile
    subscription.assembly = undefined
    subscription.done = undefined
    subscription.isStored = true
    subscription.arrived()
    this.#options.changed()
  }

  /** What is here of it was put in doubt: it is compared, however little it is; a window is brought anew. */
  restart(subscription: Subscription): void {
    if (!this.#sink || subscription.id === undefined) return
    if (this.#byKey.get(subscription.key) !== subscription) return // it was dropped a moment ago
    this.#byId.delete(subscription.id)
    this.#hasLetGo = true
    this.#sink.unsubscribe(subscription.id)
    this.#tell(subscription, !subscription.isWindowed)
    this.#options.changed()
  }

  /** It will be refused. Those who want less than it may still have that: by subscriptions of their own. */
  disperse(subscription: Subscription): void {
    for (const [holder, query] of [...subscription.holders]) {
      const key = this.#coverage.keyOf(query)
      if (key === subscription.key) continue
      subscription.holders.delete(holder)
      const own = this.#byKey.get(key) ?? this.#add(key, followedQuery(query))
      this.#give(own, holder, query)
      holder.moved?.(own)
      if (own.denial) holder.denied?.(own.denial)
    }
    this.#leaveToOthers(subscription)
  }

  denied(subscription: Subscription, error: CloudError): void {
    subscription.assembly = undefined
    this.crossing?.left(subscription)
    if (subscription.id !== undefined) this.#byId.delete(subscription.id)
    subscription.id = undefined // there is nothing to unsubscribe from
    subscription.deny(error)
    if (subscription.holders.size === 0) this.#drop(subscription)
    this.#options.changed()
  }

  /** Forgets the timers. */
  close(): void {
    for (const subscription of this.#byKey.values()) subscription.cancelRelease?.()
  }

  /** What others want too stays when this goes, and nobody vouches for it before they have compared it. */
  #leaveToOthers(gone: Subscription): void {
    for (const other of this.#byKey.values())
      if (other !== gone && other.query.collection === gone.query.collection && !other.isComplete)
        other.isHeir = true
  }

  #add(key: string, query: Query, isStored = false): Subscription {
    const { store } = this.#options
    const subscription = new Subscription(key, query, {
      isStored,
      stored: () => {
        const stored = store.subscriptions.get(key)
        return stored?.letGo === undefined ? stored : undefined
      },
      apart: () => this.crossing?.subscription(key),
    })
    this.#byKey.set(key, subscription)
    return subscription
  }

  /** One more who wants it; the first makes it known to the server. */
  #give(subscription: Subscription, holder: Holder, query: Query): void {
    subscription.cancelRelease?.()
    subscription.cancelRelease = undefined
    subscription.holders.set(holder, query)
    if (subscription.id !== undefined) this.#prioritise(subscription)
    else if (this.#sink && !subscription.denial) this.#tell(subscription)
    this.#options.changed()
  }

  /** The snapshot of which the server was told in the greeting how far it had come. */
  #goingOn(subscription: Subscription): SnapshotAssembly {
    const { after, assembly, query } = subscription
    if (after === undefined) {
      const next = new SnapshotAssembly()
      if (assembly?.named) next.carried = assembly.carry()
      else if (this.#cut) next.carried = this.#cut.carried(subscription)
      return next
    }
    if (assembly?.isReplacing) {
      assembly.goOn()
      return assembly
    }
    const ids: DocId[] = []
    for (const { document } of this.#options.store.confirmedDocuments(query.collection))
      if (subscription.matches(document) && compareValues(document._id, after) <= 0) ids.push(document._id)
    return new SnapshotAssembly({ ids, after })
  }

  #number(subscription: Subscription): void {
    subscription.id = ++this.#lastId
    subscription.toldPriority = subscription.priority
    this.#byId.set(subscription.id, subscription)
  }

  #tell(subscription: Subscription, holds = this.#isWorthComparing(subscription)): void {
    this.#number(subscription)
    subscription.assembly = new SnapshotAssembly()
    const { id, query, toldPriority } = subscription
    this.#sink?.subscribe(id!, queryToJson(query), toldPriority, holds)
  }

  #isWorthComparing(subscription: Subscription): boolean {
    if (subscription.isWindowed) return false
    const { store, compareFrom } = this.#options
    let here = 0
    for (const { document } of store.confirmedDocuments(subscription.query.collection))
      if (subscription.matches(document) && ++here >= compareFrom) return true
    return false
  }

  /** Of a snapshot that is still to come the server is told how urgent it has become. */
  #prioritise(subscription: Subscription): void {
    const { id, priority, toldPriority, assembly } = subscription
    if (!this.#sink || id === undefined || !assembly || priority === toldPriority) return
    subscription.toldPriority = priority
    this.#sink.prioritise(id, priority)
  }

  /** Time without a connection does not count: what is here is all there is. */
  #keepWarm(subscription: Subscription): void {
    subscription.cancelRelease?.()
    subscription.cancelRelease = this.#options.clock.after(this.#options.warmMs, () => {
      if (this.#sink) this.#drop(subscription)
    })
    const warm = [...this.#byKey.values()].filter(each => each.holders.size === 0)
    if (warm.length > mostWarm) this.#drop(warm[0]!)
  }

  #drop(subscription: Subscription): void {
    subscription.cancelRelease?.()
    this.#byKey.delete(subscription.key)
    this.#coverage.forget()
    this.crossing?.left(subscription)
    if (subscription.id !== undefined) {
      this.#byId.delete(subscription.id)
      this.#hasLetGo = true
      if (this.#sink) this.#sink.unsubscribe(subscription.id)
      else this.#unheard.push(subscription.id)
    }
    subscription.lost()
    const { store, clock, changed, failed } = this.#options
    const { key, query, denial, window } = subscription
    // what completed it may still be on its way into the store, as what takes away what a refused one had
    if (subscription.isInDoubt || (subscription.isHeir && !subscription.isComplete)) {
      this.#leaveToOthers(subscription)
      store.confirm({ gone: this.disown(subscription), subscriptions: new Map([[key, null]]) }).catch(failed)
    } else if (subscription.isStored && !denial) {
      this.crossing?.forget(subscription, () => false)
      const letGo = subscription.isComplete ? clock.now() : 0 // nobody vouches for the rest of it
      const cached = { query, complete: false, letGo, ...(window && { window: [...window] }) }
      store.confirm({ subscriptions: new Map([[key, cached]]) }).catch(failed)
    }
    changed()
  }
}

/** Queries kept in step that nobody wants just now. */
const mostWarm = 100
