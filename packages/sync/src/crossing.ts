import type { DocId, Document, MutationId } from '@nearcloud/protocol'
import type { Confirmed, ConfirmedStep, Store, StoredSubscription } from '@nearcloud/store'
import type { Gone, Put } from './snapshot-assembly.ts'
import type { Subscription } from './subscription.ts'
import type { Subscriptions } from './subscriptions.ts'

/** What the server has said of documents. */
export type Here = Pick<Store, 'confirmed' | 'confirmedDocuments' | 'eachConfirmed'>

export interface CrossingOptions {
  readonly store: Store
  readonly subscriptions: Subscriptions
  /** They have documents here of before: what is told waits until all of them are as the server has them. */
  readonly waiting: readonly Subscription[]
  /** The host wants its turn soon: one step is not to be much. */
  readonly isBrief: boolean
}

/**
 * The way from the copy of before to what the server has now. What is compared, and what windows have, comes query by query, and what changed
 * comes besides: all of it is kept apart, in memory, and takes effect as one step, so that nobody sees one half of a
 * commit as it is and the other as it was. Until then the store is as it was before, and this is what the server has said.
 */
export class Crossing implements Here {
  readonly #options: CrossingOptions
  readonly #waiting: Set<Subscription>
  /** Null: it is gone. */
  readonly #documents = new Map<string, Map<DocId, Put | null>>()
  readonly #subscriptions = new Map<string, StoredSubscription>()
  #checkpoint: NonNullable<ConfirmedStep['checkpoint']> = {}
  #accepted: MutationId = 0
  #characters = 0
  /** What happened since the version that the store is at is here. */
  #isAtHead = false
  #afterwards: (() => unknown)[] = []

  constructor(options: CrossingOptions) {
    this.#options = options
    this.#waiting = new Set(options.waiting)
  }

  /** Mutations up to this one are accepted, and stay in the outbox until their effects are shown. */
  get accepted(): MutationId {
    return this.#accepted
  }

  get seen(): MutationId {
    return this.#checkpoint.seen ?? this.#options.store.checkpoint.seen
  }

  /** Nothing has to be waited for any more, or too much has come. */
  get isDue(): boolean {
    return (
      this.#waiting.size === 0 || this.#characters > (this.#options.isBrief ? fewCharacters : mostCharacters)
    )
  }

  /** A frame says more. What is too much to be kept apart is shown now, and the rest as it comes. */
  async hears(type: string, frame: string): Promise<void> {
    // what happened while nobody was here comes in one message, and is one step without this
    if (!isContent.test(type) || (type === 'changes' && !this.#isAtHead)) return
    this.#characters += frame.length
    await this.cross()
  }

  /** It is compared, refused, or nobody wants it any more. */
  left(subscription: Subscription): void {
    this.#waiting.delete(subscription)
  }

  subscription(key: string): StoredSubscription | undefined {
    return this.#subscriptions.get(key)
  }

  confirmed(collection: string, id: DocId): Confirmed | undefined {
    const put = this.#documents.get(collection)?.get(id)
    return put === undefined ? this.#options.store.confirmed(collection, id) : (put ?? undefined)
  }

  *confirmedDocuments(collection: string): Iterable<Put> {
    const apart = this.#documents.get(collection)
    for (const each of this.#options.store.confirmedDocuments(collection))
      if (!apart?.has(each.document._id)) yield each
    for (const put of [...(apart?.values() ?? [])]) if (put) yield put
  }

  eachConfirmed(collection: string, visit: (document: Document, version: number) => void): void {
    for (const { document, version } of this.confirmedDocuments(collection)) visit(document, version)
  }

  /** Keeps apart what a step says. */
  confirm({ puts = [], lot, gone = [], accepted = 0, ...rest }: ConfirmedStep): void {
    for (const { collection, id, version } of gone)
      if (version >= (this.confirmed(collection, id)?.version ?? Number.POSITIVE_INFINITY))
        this.#of(collection).set(id, null)
    for (const put of puts) this.#put(put)
    for (const each of lot?.documents ?? []) this.#put({ collection: lot!.collection, ...each })
    for (const [key, stored] of rest.subscriptions ?? []) if (stored) this.#subscriptions.set(key, stored)
    this.#isAtHead ||= rest.checkpoint?.version !== undefined
    this.#accepted = Math.max(this.#accepted, accepted)
    this.#checkpoint = { ...this.#checkpoint, ...rest.checkpoint }
  }

  /**
   * May these documents of a first result be shown as they come? Not of a query that was here before, be it without a document, nor
   * what is here already, or is told of elsewhere: it would be ahead of the rest.
   */
  mayShow(subscription: Subscription, documents: readonly { readonly document: Document }[]): boolean {
    const { store, subscriptions } = this.#options
    const { key, query } = subscription
    const { collection } = query
    if (subscription.isInDoubt || this.#subscriptions.has(key)) return false // what came before is not shown either
    const others = [...subscriptions].filter(each => each !== subscription && each.isStored)
    return documents.every(
      ({ document }) =>
        !this.#documents.get(collection)?.has(document._id) &&
        !store.confirmed(collection, document._id) &&
        !store.outbox.isPending(collection, document._id) &&
        !others.some(each => each.isAbout(collection, document)),
    )
  }

  /** Does it when all is shown; not at all when the conversation ends before. */
  afterwards(task: () => unknown): void {
    this.#afterwards.push(task)
  }

  /** What is kept apart because of this subscription alone is dropped, and the subscription. */
  forget({ key, query }: Subscription, isOwned: (document: Document) => boolean): void {
    const apart = this.#documents.get(query.collection)
    for (const [id, put] of apart ?? []) if (put && isOwned(put.document)) apart!.set(id, null)
    this.#subscriptions.delete(key)
  }

  /** All of it is as it is there: shown with the rest. */
  complete(subscription: Subscription, step: ConfirmedStep): void {
    this.confirm(step)
    this.left(subscription)
    this.afterwards(() => this.#options.subscriptions.completed(subscription))
  }

  /** When there is nothing more to wait for everything takes effect at once, durably. */
  async cross(): Promise<void> {
    const { subscriptions } = this.#options
    if (!this.isDue) return
    await this.#arrive()
    subscriptions.crossing = undefined
    for (const task of this.#afterwards) await task()
  }

  async #arrive(): Promise<void> {
    const { store, subscriptions } = this.#options
    const puts: Put[] = []
    const gone: Gone[] = []
    for (const [collection, apart] of this.#documents)
      for (const [id, put] of apart) {
        const version = store.confirmed(collection, id)?.version
        if (version !== undefined && (!put || put.version < version)) gone.push({ collection, version, id })
        if (put) puts.push(put)
      }
    // what they ask of their windows while the step takes effect is their own
    for (const each of subscriptions) if (this.#subscriptions.has(each.key)) each.isStored = true
    const accepted = this.#accepted > 0 && { accepted: this.#accepted }
    const checkpoint = this.#checkpoint
    await store.confirm({ puts, gone, subscriptions: this.#subscriptions, checkpoint, ...accepted })
  }

  /** What came of a subscription, for a conversation that goes on. */
  carried(subscription: Subscription): ReadonlyMap<DocId, Put> {
    const apart = this.#documents.get(subscription.query.collection) ?? []
    const isIts = (put: Put | null) => put !== null && subscription.matches(put.document)
    return new Map([...apart].filter((each): each is [DocId, Put] => isIts(each[1])))
  }

  #put(put: Put): void {
    const { collection, document, version } = put
    if (version >= (this.confirmed(collection, document._id)?.version ?? 0))
      this.#of(collection).set(document._id, put)
  }

  #of(collection: string): Map<DocId, Put | null> {
    const apart = this.#documents.get(collection) ?? new Map<DocId, Put | null>()
    this.#documents.set(collection, apart)
    return apart
  }
}

const isContent = /^(snapshot|changes|text)$/
/** Kept apart, about. */
const mostCharacters = 8_000_000
const fewCharacters = 250_000
