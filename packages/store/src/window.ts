import type { DocId, Document } from '@nearcloud/protocol'
import type { Query } from '@nearcloud/query'
import type { Collection } from './collection.ts'
import { find } from './find.ts'
import type { Outbox } from './outbox.ts'
import type { Change } from './overlay.ts'

/**
 * The documents a windowed query is about: those of the window the server gave, and those with pending mutations,
 * which only this store knows (not for a query that skips: whether they stand before the window nobody here can tell).
 *
 * Without a window every document of the collection is; for a query that skips, those it finds here.
 */
export class Window {
  readonly #query: Query
  readonly #collection: Collection
  readonly #outbox: Outbox
  readonly #within: () => ReadonlySet<DocId> | undefined
  #members: ReadonlySet<DocId> | undefined

  constructor(
    query: Query,
    collection: Collection,
    outbox: Outbox,
    within: () => ReadonlySet<DocId> | undefined,
  ) {
    this.#query = query
    this.#collection = collection
    this.#outbox = outbox
    this.#within = within
    this.#members = this.#membersNow()
  }

  /** The query over the members: what it skips is not among them. */
  get query(): Query {
    return { ...this.#query, skip: 0 }
  }

  *documents(): Generator<Document> {
    if (!this.#members) {
      yield* this.#collection.documents()
      return
    }
    for (const id of this.#members) {
      const document = this.#collection.get(id)
      if (document) yield document
    }
  }

  /** Changes as the window sees them: documents enter and leave with it. */
  through(changes: readonly Change[]): readonly Omit<Change, 'collection'>[] {
    const [before, after] = [this.#members, this.#membersNow()]
    this.#members = after
    const was = (id: DocId) => !before || before.has(id)
    const is = (id: DocId) => !after || after.has(id)
    const seen: Omit<Change, 'collection'>[] = []
    for (const change of changes) {
      const [from, to] = [was(change.id) ? change.before : null, is(change.id) ? change.after : null]
      if (!from && !to) continue
      const dataType = to ? change.dataType : 'remove'
      seen.push({ id: change.id, before: from, after: to, dataType })
    }
    if (before === after) return seen
    const changed = new Set(changes.map(change => change.id))
    for (const id of this.#idsOf(before, after)) {
      const document = this.#collection.get(id)
      if (!document || changed.has(id) || was(id) === is(id)) continue
      if (is(id)) seen.push({ id, before: null, after: document, dataType: 'add' })
      else seen.push({ id, before: document, after: null, dataType: 'remove' })
    }
    return seen
  }

  #membersNow(): ReadonlySet<DocId> | undefined {
    const window = this.#within()
    if (window) return membersOf(this.#query, window, this.#outbox)
    if (this.#query.skip === 0) return undefined
    return new Set(find(this.#collection, this.#query).documents.map(document => document._id))
  }

  #idsOf(before: ReadonlySet<DocId> | undefined, after: ReadonlySet<DocId> | undefined): ReadonlySet<DocId> {
    if (before && after) return new Set([...before, ...after])
    return new Set([...this.#collection.documents()].map(document => document._id))
  }
}

export function membersOf(query: Query, window: ReadonlySet<DocId>, outbox: Outbox): ReadonlySet<DocId> {
  return query.skip > 0 ? window : new Set([...window, ...outbox.pendingIds(query.collection)])
}
