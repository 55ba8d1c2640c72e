import type { DocId, Document } from '@nearcloud/protocol'
import { type DocChange, type Query, ResultSet, type Snapshot } from '@nearcloud/query'
import type { Collection } from './collection.ts'
import { find, findMatching } from './find.ts'
import type { Outbox } from './outbox.ts'
import type { Change } from './overlay.ts'
import { Window } from './window.ts'

export type Within = () => ReadonlySet<DocId> | undefined

/** One watched query: its result, kept exact from change to change. */
export class LiveQuery {
  readonly query: Query
  readonly #collection: Collection
  readonly #window: Window | undefined
  #results: ResultSet
  #nextId = 0

  constructor(query: Query, collection: Collection, outbox: Outbox, within: Within | undefined) {
    this.query = query
    this.#collection = collection
    this.#window = within && new Window(query, collection, outbox, within)
    this.#results = new ResultSet(this.#effectiveQuery)
  }

  get isWindowed(): boolean {
    return this.#window !== undefined
  }

  /** Begins to be made of what matches now, in any order, which is to be added. */
  begin(): readonly Document[] {
    this.#results.reset([])
    return findMatching(this.#collection, this.#effectiveQuery, Infinity).documents
  }

  /** More documents of the collection, as they are now. */
  add(documents: readonly Document[]): void {
    this.#results.add(documents)
  }

  /** What changes while it is being made. */
  hear(changes: readonly Change[]): void {
    this.#results.change(changes, () => [])
  }

  /** With what was added, or else with what matches now. */
  first(docs = this.#results.documents): Snapshot {
    const docChanges = docs.map(
      (doc, id): DocChange => ({ id, queueType: 'init', dataType: 'init', docId: doc._id, doc }),
    )
    return this.#snapshot(docs, docChanges, 'init')
  }

  whole(): Snapshot {
    return this.first(this.#results.reset(this.#candidates()))
  }

  /** The snapshot after these changes of the collection; none when the result stays as it is. */
  after(changes: readonly Change[]): Snapshot | undefined {
    const seen = this.#window ? this.#window.through(changes) : changes
    const docChanges = this.#results.change(seen, () => this.#candidates())
    if (docChanges.length === 0) return undefined
    return this.#snapshot(
      this.#results.documents,
      this.#window ? docChanges.map(change => this.#explain(change, changes)) : docChanges,
    )
  }

  /** A document that the window left or came upon was neither removed nor added. */
  #explain(docChange: DocChange, changes: readonly Change[]): DocChange {
    const { docId, dataType } = docChange
    const isMove =
      dataType === 'remove'
        ? this.#collection.get(docId) !== undefined
        : dataType === 'add' && !changes.some(change => change.id === docId && !change.before)
    return isMove ? { ...docChange, dataType: 'limit' } : docChange
  }

  get #effectiveQuery(): Query {
    return this.#window ? this.#window.query : this.query
  }

  /** Documents among which those of the result are, and one more when there are more. */
  #candidates(): Iterable<Document> {
    if (this.#window) return this.#window.documents()
    const { fields: _, limit, ...whole } = this.query
    const first = limit === undefined ? {} : { limit: this.#results.wanted }
    return find(this.#collection, { ...whole, skip: 0, ...first }).documents
  }

  #snapshot(docs: readonly Document[], docChanges: readonly DocChange[], type?: 'init'): Snapshot {
    return Object.freeze({ id: this.#nextId++, ...(type && { type }), docs, docChanges })
  }
}
