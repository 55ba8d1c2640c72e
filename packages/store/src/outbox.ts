import type { DocId, Mutation, MutationId, Version } from '@nearcloud/protocol'
import { DocMap, DocSet } from './doc-map.ts'
import type { ConfirmedStep, Draft, OutboxView } from './store.ts'

/** The ordered mutations the server has not answered, and which documents they touch. */
export class Outbox implements OutboxView {
  #all: Mutation[] = []
  #durableCount = 0
  #durable: readonly Mutation[] | undefined
  #byDocument = new DocMap<Mutation[]>()
  /** The one that says something else than storage has: where it is, what storage has of it, how often that will change. */
  #amended: { at: number; older: Mutation | undefined; count: number } | undefined

  /** Kept by `DraftedOutbox`; there are none here. */
  readonly drafts: readonly Draft[] = []

  /** A step has taken effect, and this version is here: of the documents it concerns those that are to be shown anew now. */
  drafted(_step: Omit<ConfirmedStep, 'lot'>, _version: Version, concerned: DocSet): DocSet {
    return concerned
  }

  get size(): number {
    return this.#all.length
  }

  get durableCount(): number {
    return this.#durableCount
  }

  /** How many storage does not have yet. */
  get undurableCount(): number {
    return this.#all.length - this.#durableCount
  }

  get mutations(): readonly Mutation[] {
    this.#durable ??= Object.freeze(
      this.#all.slice(0, Math.min(this.#durableCount, this.#amended?.at ?? this.#durableCount)),
    )
    return this.#durable
  }

  find(isMeant: (mutation: Mutation) => boolean): Mutation | undefined {
    return this.#all.find(isMeant)
  }

  isPending(collection: string, id: DocId): boolean {
    return this.#byDocument.has(collection, id)
  }

  /** Those that touch a document, in order. */
  of(collection: string, id: DocId): readonly Mutation[] {
    return this.#byDocument.get(collection, id) ?? []
  }

  /** Ids of a collection's documents with pending mutations. */
  pendingIds(collection: string): Iterable<DocId> {
    return this.#byDocument.ids(collection)
  }

  append(mutation: Mutation): void {
    this.#all.push(mutation)
    this.index(mutation)
  }

  /** As storage has them. */
  get stored(): readonly Mutation[] {
    const stored = this.#all.slice(0, this.#durableCount)
    if (this.#amended?.older && this.#amended.at < stored.length)
      stored[this.#amended.at] = this.#amended.older
    return stored
  }

  get last(): Mutation | undefined {
    return this.#all[this.#all.length - 1]
  }

  /** The last one says something else from now on. It is not among `mutations` until storage has that. */
  amend(mutation: Mutation): void {
    const at = this.#all.length - 1
    const older = at < this.#durableCount ? this.#all[at] : undefined
    if (this.#amended?.at === at) this.#amended.count++
    else this.#amended = { at, older, count: 1 }
    this.#replace(at, mutation)
  }

  amendIsDurable(mutation: Mutation): void {
    this.#durable = undefined
    if (!this.#amended) return
    this.#amended.older = this.#asNumbered(this.#amended.at, mutation)
    this.#amended.count--
    if (this.#amended.count === 0) this.#amended = undefined
  }

  /** The oldest that was not durable is now, as `mutation` where it has been amended since. */
  markDurable(mutation?: Mutation): void {
    if (mutation && this.#amended?.at === this.#durableCount)
      this.#amended.older = this.#asNumbered(this.#durableCount, mutation)
    this.#durableCount++
    this.#durable = undefined
  }

  /** Takes out all up to `id`; they are returned. */
  takeThrough(id: MutationId): readonly Mutation[] {
    let count = 0
    while (count < this.#durableCount && this.#all[count]!.id <= id) count++
    return this.#take(0, count)
  }

  /** Takes out one; undefined when it is not here. */
  take(id: MutationId): Mutation | undefined {
    const at = this.#all.findIndex(mutation => mutation.id === id)
    return at >= 0 && at < this.#durableCount ? this.#take(at, 1)[0] : undefined
  }

  /** Takes out all that storage does not have; what it has of an amended one comes back. Returns those concerned. */
  takeUndurable(): readonly Mutation[] {
    const concerned: Mutation[] = []
    if (this.#amended?.older && this.#amended.at < this.#durableCount) {
      concerned.push(this.#all[this.#amended.at]!)
      this.#replace(this.#amended.at, this.#amended.older)
    }
    this.#amended = undefined
    return [...concerned, ...this.#take(this.#durableCount, this.#all.length - this.#durableCount)]
  }

  /** Numbers all from `first` on. */
  renumber(first: MutationId): void {
    this.replaceAll((mutation, at) => ({ ...mutation, id: first + at }))
  }

  /** What had seen anything above `cut` counts as having seen nothing: its author saw documents as they never were. */
  forgetBases(cut: Version): void {
    this.replaceAll(mutation => (mutation.base > cut ? { ...mutation, base: 0 } : mutation))
  }

  /** It may have been numbered anew since it was written down. */
  #asNumbered(at: number, mutation: Mutation): Mutation {
    const { id } = this.#all[at]!
    return mutation.id === id ? mutation : Object.freeze({ ...mutation, id })
  }

  protected replaceAll(change: (mutation: Mutation, at: number) => Mutation): void {
    const changed = (mutation: Mutation, at: number) => Object.freeze(change(mutation, at))
    const all = this.#all.map(changed)
    if (this.#amended?.older) this.#amended.older = changed(this.#amended.older, this.#amended.at)
    this.#all = []
    this.#durable = undefined
    this.#byDocument = new DocMap()
    for (const mutation of all) this.append(mutation)
  }

  /**
   * The mutations that touch `docs`, in order. `docs` grows by what they touch besides: a mutation is all or nothing,
   * so the documents of one can only be looked at together.
   */
  touching(docs: DocSet): readonly Mutation[] {
    const found: Mutation[] = []
    const batches = new Set<Mutation>()
    const open = [...docs]
    for (let next = open.pop(); next; next = open.pop()) {
      for (const mutation of this.#byDocument.get(next[0], next[1]) ?? []) {
        const { writes } = mutation
        if (writes.length > 1) {
          if (batches.has(mutation)) continue // it was met at another of its documents
          batches.add(mutation)
          for (const { collection, id } of writes) if (docs.add(collection, id)) open.push([collection, id])
        }
        found.push(mutation)
      }
    }
    if (found.length === this.#all.length && this.drafts.length === 0) return this.#all
    return found.sort((a, b) => a.id - b.id)
  }

  /** Every document with pending mutations. */
  touched(): DocSet {
    return touchedBy([...this.#all, ...this.drafts.map(({ mutation }) => mutation)])
  }

  #take(at: number, count: number): readonly Mutation[] {
    const taken = this.#all.splice(at, count)
    if (this.#amended && at <= this.#amended.at) this.#amended.at -= taken.length
    this.#durableCount -= Math.max(0, Math.min(this.#durableCount - at, taken.length))
    this.#durable = undefined
    for (const mutation of taken) this.unindex(mutation)
    return taken
  }

  #replace(at: number, mutation: Mutation): void {
    const older = this.#all[at]!
    this.#all[at] = mutation
    this.#durable = undefined
    for (const [collection, id] of touchedBy([older])) {
      const list = this.#byDocument.get(collection, id)!
      list[list.indexOf(older)] = mutation
    }
  }

  protected index(mutation: Mutation): void {
    for (const [collection, id] of documentsOf(mutation)) {
      const list = this.#byDocument.get(collection, id)
      if (list) list.push(mutation)
      else this.#byDocument.set(collection, id, [mutation])
    }
  }

  protected unindex(mutation: Mutation): void {
    for (const [collection, id] of documentsOf(mutation)) {
      const list = this.#byDocument.get(collection, id)!
      list.splice(list.indexOf(mutation), 1)
      if (list.length === 0) this.#byDocument.delete(collection, id)
    }
  }
}

/** Each document a mutation writes, once. */
function documentsOf(mutation: Mutation): Iterable<readonly [collection: string, id: DocId]> {
  const [first] = mutation.writes
  return mutation.writes.length === 1 ? [[first!.collection, first!.id]] : touchedBy([mutation])
}

/** The documents these mutations write. */
export function touchedBy(mutations: Iterable<Pick<Mutation, 'writes'>>): DocSet {
  const docs = new DocSet()
  for (const { writes } of mutations) for (const { collection, id } of writes) docs.add(collection, id)
  return docs
}
