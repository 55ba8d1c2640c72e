import { CloudError, type DocId, errorFromData } from '@nearcloud/protocol'
import { coversFilter, type Query, queryToJson } from '@nearcloud/query'
import type { Store, StoredSubscription } from '@nearcloud/store'
import { followedQuery, isWindowed, keyOf } from '../followed.ts'
import type { Held, Holdings } from '../holdings.ts'
import type { Arrival, Holder } from '../subscription.ts'
import type { Down, Up } from './messages.ts'

interface Parts {
  readonly store: Store
  /** Told; or asked, and answered once. */
  send(message: Up): void
  ask(message: (id: number) => Up): Promise<unknown>
}

/** Queries that the tab which leads keeps in step for this one: what of them is here, the log says. */
export class HeldThere implements Holdings<HeldQuery> {
  readonly #parts: Parts
  readonly #holds = new Map<number, HeldQuery>()
  #last = 0
  #known: { readonly of: Store['subscriptions']; readonly byKey: Map<string, boolean> } | undefined

  constructor(parts: Parts) {
    this.#parts = parts
  }

  covering(query: Query): HeldQuery | undefined {
    const followed = followedQuery(query)
    return this.#isCovered(keyOf(followed), followed)
      ? new HeldQuery(0, followed, this.#parts, query => this.covering(query) !== undefined, {})
      : undefined
  }

  hold(query: Query, holder: Holder): HeldQuery {
    const followed = followedQuery(query)
    const hold = ++this.#last
    const isCovered = (each: Query) => this.#isCovered(keyOf(each), each)
    const held = new HeldQuery(hold, followed, this.#parts, isCovered, holder)
    this.#holds.set(hold, held)
    const { priority } = holder
    this.#parts.send({ type: 'hold', hold, query: queryToJson(query), ...(priority && { priority }) })
    return held
  }

  release(held: HeldQuery, _holder: Holder, { warm }: { warm: boolean }): void {
    if (this.#holds.delete(held.hold)) this.#parts.send({ type: 'release', hold: held.hold, warm })
  }

  heard(message: Down): void {
    if (message.type === 'denied')
      this.#holds.get(message.hold)?.holder.denied?.(errorFromData(message.error))
    else if (message.type === 'progressed') this.#holds.get(message.hold)?.holder.progressed?.(message.done)
  }

  #isCovered(key: string, query: Query): boolean {
    const { subscriptions } = this.#parts.store
    if (this.#known?.of !== subscriptions) this.#known = { of: subscriptions, byKey: new Map() }
    let isCovered = this.#known.byKey.get(key)
    if (isCovered === undefined) {
      isCovered = isComplete(subscriptions.get(key)) || [...subscriptions.values()].some(covers(query))
      this.#known.byKey.set(key, isCovered)
    }
    return isCovered
  }
}

export class HeldQuery implements Held {
  readonly hold: number
  readonly holder: Holder
  readonly #query: Query
  readonly #parts: Parts
  readonly #isCovered: (query: Query) => boolean
  #window: { readonly ids: readonly DocId[]; readonly set: ReadonlySet<DocId> } | undefined

  constructor(
    hold: number,
    query: Query,
    parts: Parts,
    isCovered: (query: Query) => boolean,
    holder: Holder,
  ) {
    this.hold = hold
    this.holder = holder
    this.#query = query
    this.#parts = parts
    this.#isCovered = isCovered
  }

  get isComplete(): boolean {
    return this.#isCovered(this.#query)
  }

  get window(): ReadonlySet<DocId> | undefined {
    if (!isWindowed(this.#query)) return undefined
    const ids = this.#parts.store.subscriptions.get(keyOf(this.#query))?.window
    if (!ids) return undefined
    if (this.#window?.ids !== ids) this.#window = { ids, set: new Set(ids) }
    return this.#window.set
  }

  async arrival({ patient }: { patient: boolean }): Promise<Arrival> {
    if (this.isComplete) return 'ready'
    const arrival = await this.#parts.ask(id => ({ type: 'arrival', id, hold: this.hold, patient }))
    if (arrival === 'ready' || arrival === 'lost') return arrival
    throw new CloudError('ABORTED', { errMsg: 'the query is not wanted any more' })
  }
}

function isComplete(stored: StoredSubscription | undefined): boolean {
  return stored?.complete === true && stored.letGo === undefined
}

function covers(query: Query): (stored: StoredSubscription) => boolean {
  return stored =>
    isComplete(stored) &&
    stored.query.collection === query.collection &&
    !isWindowed(stored.query) &&
    coversFilter(stored.query.where, query.where)
}
