import type { DocId, Document } from '@nearcloud/protocol'
import { differenceOf } from './difference.ts'
import { compileFilter } from './match/compile.ts'
import { compileProjection } from './project.ts'
import { compileOrder, firstInOrder, type Order, placeOf } from './sort.ts'
import type { DocChange, Query } from './types.ts'

/** What a commit did to one document: null is "did not exist" or "does not exist any more". */
export interface DocumentChange {
  readonly id: DocId
  readonly before: Document | null
  readonly after: Document | null
  readonly dataType: 'add' | 'update' | 'replace' | 'remove'
}

/**
 * The result of a query, kept in step with its collection, and what each commit changed in it.
 *
 * It holds the documents of the result, those its `skip` leaves out, and of those behind a window the next few. Callers
 * hand over every change of the collection, in order; `before` and `after` are the whole documents.
 */
export class ResultSet {
  readonly #matches: (document: Document) => boolean
  readonly #order: Order
  readonly #skip: number
  /** Where the window ends. */
  readonly #capacity: number
  /** How many are held at most: some behind the window, so that one that leaves it is mostly no reason to look again. */
  readonly #room: number
  readonly #show: (document: Document) => Document
  #held: Document[] = []
  #byId = new Map<DocId, Document>()
  /** Nothing that matches lies beyond the window. */
  #isWhole = true
  #shown: readonly Document[] = []

  constructor(query: Query) {
    this.#matches = compileFilter(query.where)
    this.#order = compileOrder(query)
    this.#skip = query.skip
    this.#capacity = query.limit === undefined ? Infinity : query.skip + query.limit
    this.#room = this.#capacity + Math.min(mostBehind, this.#capacity)
    this.#show = query.fields ? remember(compileProjection(query.fields)) : asItIs
  }

  /**
   * So many documents in the query's order, one more than are held, tell whether there are others behind them; Infinity
   * without a limit. Fewer are taken for all there are.
   */
  get wanted(): number {
    return this.#room + 1
  }

  /** The result, in the query's order, projected; a new array after each change of it. */
  get documents(): readonly Document[] {
    return this.#shown
  }

  /** Begins anew from all documents of the collection, or those that can match, or the first `wanted` that match. */
  reset(documents: Iterable<Document>): readonly Document[] {
    this.#fill(documents)
    this.#publish()
    return this.#shown
  }

  /** More documents of the collection, as they are now, of a result without a limit that is being made. */
  add(documents: readonly Document[]): void {
    const entering = documents.filter(each => !this.#byId.has(each._id) && this.#matches(each))
    if (entering.length === 0) return
    entering.sort(this.#order)
    const last = this.#held[this.#held.length - 1]
    const isBehind = !last || this.#order(last, entering[0]!) < 0
    this.#held.push(...entering)
    if (!isBehind) this.#held.sort(this.#order)
    for (const document of entering) this.#byId.set(document._id, document)
    this.#publish()
  }

  /**
   * Takes over one commit; answers with how each document entered, changed in or left the result. Empty when nothing of
   * the result changed.
   *
   * `refill` gives what `reset` begins with, as it is after the commit; it is called only when `runsOut`.
   */
  change(changes: readonly DocumentChange[], refill: () => Iterable<Document>): DocChange[] {
    if (!changes.some(change => this.#isConcerned(change))) return []
    const inPlace = changes.length === 1 && this.#changeInPlace(changes[0]!)
    if (inPlace) return inPlace
    const concerns = this.#concerns(changes)
    if (concerns.size === 0) return []
    const before = this.#shown
    this.#take([...concerns.values()])
    if (!this.#isWhole && this.#held.length < this.#capacity) this.#fill(refill())
    this.#publish()
    return this.#docChanges(before, concerns)
  }

  /** Will a window have lost so many documents by this commit that others, not held, may take their place? */
  runsOut(changes: readonly DocumentChange[]): boolean {
    if (this.#isWhole) return false
    let left = this.#held.length
    for (const { held, fitting } of this.#concerns(changes).values()) {
      if (held) left--
      if (fitting && this.#isInside(fitting)) left++
    }
    return left < this.#capacity
  }

  /** Most commits have nothing to do with most results. */
  #isConcerned({ id, after }: DocumentChange): boolean {
    return this.#byId.has(id) || (after !== null && this.#matches(after))
  }

  /** A document that stays where it is; nothing when it does not. */
  #changeInPlace(change: DocumentChange): DocChange[] | undefined {
    const { id, after } = change
    const held = this.#byId.get(id)
    if (!held || !after || !this.#matches(after)) return undefined
    const at = placeOf(this.#held, held, this.#order)
    const [previous, next] = [this.#held[at - 1], this.#held[at + 1]]
    if (previous && this.#order(previous, after) >= 0) return undefined
    if (next ? this.#order(after, next) >= 0 : !this.#isWhole && this.#order(after, held) > 0)
      return undefined
    this.#held[at] = after
    this.#byId.set(id, after)
    const place = at - this.#skip
    const earlier = this.#shown[place]
    if (!earlier) return []
    const doc = this.#show(after)
    const shown = [...this.#shown]
    shown[place] = doc
    this.#shown = shown
    const difference = differenceOf(earlier, doc)
    return difference
      ? [{ id: 0, queueType: 'update', dataType: typeOf(change), docId: id, doc, ...difference }]
      : []
  }

  /** By id, the changes of documents that are held or match now; several of one document made into one. */
  #concerns(changes: readonly DocumentChange[]): Map<DocId, Concern> {
    const byId = new Map<DocId, DocumentChange>()
    for (const change of changes) {
      const earlier = byId.get(change.id)
      byId.set(change.id, earlier ? { ...change, before: earlier.before } : change)
    }
    const concerns = new Map<DocId, Concern>()
    for (const change of byId.values()) {
      const held = this.#byId.get(change.id)
      const fitting = change.after && this.#matches(change.after) ? change.after : undefined
      if (held || (fitting && this.#isInside(fitting))) concerns.set(change.id, { change, held, fitting })
    }
    return concerns
  }

  /** Beyond the border it is one of many outside: only a refill can tell which of them is next. */
  #isInside(document: Document): boolean {
    const border = this.#isWhole ? undefined : this.#held[this.#held.length - 1]
    return this.#isWhole || (border !== undefined && this.#order(document, border) <= 0)
  }

  #take(concerns: readonly Concern[]): void {
    const isInside = (document: Document) => this.#isInside(document)
    const entering = concerns.flatMap(({ fitting }) => (fitting && isInside(fitting) ? [fitting] : []))
    const leaving = concerns.flatMap(({ held }) => (held ? [held] : []))
    for (const document of leaving) this.#byId.delete(document._id)
    if (concerns.length > fewChanges) {
      this.#held = this.#held.filter(({ _id }) => this.#byId.has(_id))
      this.#held = [...this.#held, ...entering].sort(this.#order)
    } else {
      for (const document of leaving) this.#held.splice(placeOf(this.#held, document, this.#order), 1)
      for (const document of entering)
        this.#held.splice(placeOf(this.#held, document, this.#order), 0, document)
    }
    for (const document of entering) this.#byId.set(document._id, document)
    if (this.#held.length <= this.#room) return
    this.#isWhole = false
    for (const document of this.#held.splice(this.#room)) this.#byId.delete(document._id)
  }

  #fill(documents: Iterable<Document>): void {
    const found: Document[] = []
    for (const document of documents) if (this.#matches(document)) found.push(document)
    this.#isWhole = found.length <= this.#room
    this.#held = firstInOrder(found, this.#order, this.#room)
    this.#byId = byId(this.#held)
  }

  #publish(): void {
    const visible = this.#held.slice(this.#skip, this.#capacity)
    this.#shown = this.#show === asItIs ? visible : visible.map(this.#show)
  }

  /** What left, then what entered or changed. */
  #docChanges(before: readonly Document[], concerns: ReadonlyMap<DocId, Concern>): DocChange[] {
    const isWindow = this.#skip > 0 || this.#capacity !== Infinity
    const all = [...concerns.values()]
    const was = byId(isWindow ? before : all.flatMap(({ held }) => (held ? [this.#show(held)] : [])))
    const is = byId(
      isWindow ? this.#shown : all.flatMap(({ fitting }) => (fitting ? [this.#show(fitting)] : [])),
    )
    const changes: Omit<DocChange, 'id'>[] = []
    for (const [docId, doc] of was) {
      if (is.has(docId)) continue
      const concern = concerns.get(docId)
      const left = concern?.change.after
      const dataType = concern && !concern.fitting ? typeOf(concern.change) : 'limit'
      changes.push({ queueType: 'dequeue', dataType, docId, doc: left ? this.#show(left) : doc })
    }
    for (const [docId, doc] of is) {
      const earlier = was.get(docId)
      const concern = concerns.get(docId)
      if (!earlier) {
        const wasOutside = isWindow && (!concern || this.#matchedBefore(concern))
        const dataType = wasOutside ? 'limit' : concern!.change.dataType
        changes.push({ queueType: 'enqueue', dataType, docId, doc })
      } else if (earlier !== doc) {
        const difference = differenceOf(earlier, doc)
        const dataType = concern ? typeOf(concern.change) : 'update'
        if (difference) changes.push({ queueType: 'update', dataType, docId, doc, ...difference })
      }
    }
    return changes.map((change, id) => ({ id, ...change }))
  }

  #matchedBefore({ change }: Concern): boolean {
    return change.before !== null && this.#matches(change.before)
  }
}

/** A change that has to do with the result. */
interface Concern {
  readonly change: DocumentChange
  /** The document as it was held. */
  readonly held: Document | undefined
  /** The document as it is now, when it matches. */
  readonly fitting: Document | undefined
}

/** For a document that was in the result, so that an `add` can only be its replacement. */
function typeOf({ dataType }: DocumentChange): DocumentChange['dataType'] {
  return dataType === 'add' ? 'replace' : dataType
}

function byId(documents: readonly Document[]): Map<DocId, Document> {
  return new Map(documents.map(document => [document._id, document]))
}

const asItIs = (document: Document) => document

/** One projected document for each document, so that what did not change stays the same object. */
function remember(show: (document: Document) => Document): (document: Document) => Document {
  const known = new WeakMap<Document, Document>()
  return document => {
    const shown = known.get(document) ?? show(document)
    known.set(document, shown)
    return shown
  }
}

/** Held behind a window at most. */
const mostBehind = 32

/** From here on sorting the whole is cheaper than placing one by one. */
const fewChanges = 8
