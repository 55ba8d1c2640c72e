import type { Document, Mutation, MutationId } from '@nearcloud/protocol'
import type { Collection } from './collection.ts'
import { Collections } from './collections.ts'
import { DocSet } from './doc-map.ts'
import type { Kept } from './kept.ts'
import { Outbox, touchedBy } from './outbox.ts'
import type { Entry, LoggedStep, Manifest, Origin, SegmentPart, StoredSegment } from './records.ts'
import { RejectedList } from './rejected-list.ts'
import type { Checkpoint, Lot, StoredSubscription } from './store.ts'
import { StoredTexts } from './texts.ts'

/**
 * Everything a store holds, as the entries of its log make it: the same entries in the same order give the same
 * state, whether they happen or are read back. What the app sees over it is `overlay.ts`.
 */
export class State {
  readonly collections: Collections
  readonly outbox: Outbox
  subscriptions: ReadonlyMap<string, StoredSubscription>
  readonly rejected: RejectedList
  readonly texts: StoredTexts
  /** As storage has it: `nextMutation` follows the last durable mutation. */
  checkpoint: Checkpoint
  /** Confirmed documents that differ from what the segments hold. */
  dirty = new DocSet()
  /** Collections of which the log says something that waits with the rest of them: what is dirty in them is not known yet. */
  readonly changedLater = new Set<string>()

  /** `atLast`: what is to be done when a collection has the documents that waited in storage, in steps. */
  constructor(
    manifest: Pick<Manifest, 'checkpoint' | 'subscriptions' | 'outbox' | 'rejected' | 'texts' | 'drafts'>,
    atLast?: (collection: string) => readonly (() => void)[],
    outbox = new Outbox(),
  ) {
    this.outbox = outbox
    this.collections = new Collections(atLast)
    this.checkpoint = manifest.checkpoint
    this.subscriptions = manifest.subscriptions
    this.rejected = new RejectedList(manifest.rejected)
    this.texts = new StoredTexts(manifest.texts)
    for (const mutation of manifest.outbox) {
      this.outbox.append(mutation)
      this.outbox.markDurable()
    }
    for (const laid of manifest.drafts ?? []) this.outbox.drafted({ laid }, 0, new DocSet())
  }

  /** An entry read back from the log. */
  replay(entry: Entry): void {
    if (entry.kind === 'step') {
      const { puts = [], gone = [], lot, ...rest } = entry.step
      const names = new Set([...puts, ...gone, ...(lot ? [lot] : [])].map(({ collection }) => collection))
      for (const name of names) this.#documentsLater(name, entry.step)
      this.applyStep(rest)
      return
    }
    // a renumbering may stand between the mutation's making and its place in the log: the place decides
    const { mutation } = entry
    const { last } = this.outbox
    if (entry.amends !== undefined) {
      if (last?.nonce !== entry.amends) return
      this.outbox.amend(mutation.id === last.id ? mutation : Object.freeze({ ...mutation, id: last.id }))
      this.amendIsDurable(mutation)
      return
    }
    const id = this.checkpoint.nextMutation
    this.outbox.append(mutation.id === id ? mutation : Object.freeze({ ...mutation, id }))
    this.mutationIsDurable(mutation, entry.retries, entry.from)
  }

  /**
   * Storage has the oldest mutation that it did not have, that the one it retries is no longer rejected, and that it was this
   * one of another tab's.
   */
  mutationIsDurable(mutation: Mutation, retries: string | undefined, from?: Origin): void {
    const { time } = mutation
    this.outbox.markDurable(mutation)
    if (retries !== undefined) this.rejected.remove([retries])
    const { nextMutation, lastTime, tabs } = this.checkpoint
    this.checkpoint = freeze({
      ...this.checkpoint,
      nextMutation: nextMutation + 1,
      lastTime: Math.max(lastTime, time),
      ...(from && { tabs: freeze({ ...tabs, [from[0]]: from[1] }) }),
    })
  }

  /** Storage has what the last mutation said after it was amended. */
  amendIsDurable(mutation: Mutation): void {
    this.outbox.amendIsDurable(mutation)
    const lastTime = Math.max(this.checkpoint.lastTime, mutation.time)
    this.checkpoint = freeze({ ...this.checkpoint, lastTime })
  }

  /** The documents of a segment, when somebody wants them. */
  segmentLater({ head, read }: StoredSegment): void {
    this.collections.later(head.collection, () =>
      read().parts.map(part => collection => {
        const { ids, documents, gone } = part()
        documents.forEach((kept, n) => {
          if (collection.take(ids[n]!, kept)) return
          collection.confirmed.set(kept.document!, kept.version)
          collection.show(ids[n]!, kept.document)
        })
        for (const id of gone) {
          collection.confirmed.delete(id)
          collection.show(id, null)
        }
        collection.packed(documents)
      }),
    )
  }

  /** What a step of the log says of the documents of one collection, when somebody wants them. */
  #documentsLater(name: string, { puts, gone, lot }: LoggedStep): void {
    const isIts = ({ collection }: { collection: string }) => collection === name
    const showing = (concerned: DocSet, collection: Collection) => {
      for (const [, id] of concerned) collection.show(id, collection.confirmed.documentOf(id))
    }
    this.changedLater.add(name)
    const its = { ...(puts && { puts: puts.filter(isIts) }), ...(gone && { gone: gone.filter(isIts) }) }
    if (puts || gone)
      this.collections.later(name, collection => {
        const concerned = new DocSet()
        this.#applyDocuments(its, concerned, () => collection)
        showing(concerned, collection)
      })
    if (lot && isIts(lot))
      this.collections.later(name, () =>
        lot.read!().parts.map(part => collection => {
          const concerned = new DocSet()
          this.#takePart(lot, part(), collection, concerned)
          showing(concerned, collection)
        }),
      )
  }

  #applyDocuments(
    step: Pick<LoggedStep, 'puts' | 'gone' | 'lot'>,
    concerned: DocSet,
    collectionOf = (name: string) => this.collections.of(name),
    arrived?: Arrived,
  ): void {
    for (const { collection, version, id } of step.gone ?? []) {
      const { confirmed } = collectionOf(collection)
      const known = confirmed.get(id)
      if (!known || version < known.version) continue
      confirmed.delete(id)
      this.#touch(concerned, collection, id)
    }
    for (const { collection, version, document } of step.puts ?? []) {
      const { confirmed } = collectionOf(collection)
      if (version < confirmed.versionOf(document._id)) continue
      confirmed.set(document, version)
      this.#touch(concerned, collection, document._id)
    }
    if (step.lot) this.#applyLot(step.lot, collectionOf(step.lot.collection), concerned, arrived)
  }

  /**
   * The documents concerned: confirmed differently, or with other mutations over them. `arrived`: hears of documents of a lot that
   * are new here, while nothing is pending; they are shown already, and concerned no more.
   */
  applyStep(step: LoggedStep, arrived?: Arrived): DocSet {
    const concerned = new DocSet()
    const isQuiet = this.outbox.size + this.outbox.drafts.length === 0 && !step.laid
    this.#applyDocuments(step, concerned, undefined, isQuiet ? arrived : undefined)
    const left: Mutation[] = []
    const first = this.checkpoint.nextMutation - this.outbox.durableCount // where it is one run of numbers
    for (const { id, code, reason, details, time } of step.rejected ?? []) {
      const mutation = this.outbox.take(id)
      if (!mutation) continue
      left.push(mutation)
      this.rejected.add({ mutation, code, reason, details: details ?? {}, time: time ?? mutation.time })
    }
    if (step.accepted !== undefined)
      for (const mutation of this.outbox.takeThrough(step.accepted)) {
        left.push(mutation)
        this.texts.accepted(mutation)
      }
    for (const each of step.texts ?? []) {
      this.texts.apply(each)
      if (this.outbox.isPending(each.collection, each.id)) concerned.add(each.collection, each.id)
    }
    concerned.addAll(touchedBy(left))
    if (step.discarded) this.rejected.remove(step.discarded)
    if (step.checkpoint) this.#patchCheckpoint(step.checkpoint)
    if (step.cut !== undefined) this.outbox.forgetBases(step.cut)
    if (step.subscriptions) this.#patchSubscriptions(step.subscriptions)
    if (step.left) this.#forgetTabs(step.left)
    if (step.closeUp) this.#renumber(first)
    if (step.renumber) {
      this.#renumber(1)
      this.checkpoint = freeze({ ...this.checkpoint, client: step.renumber.client, seen: 0 })
    }
    return this.outbox.drafted(step, this.checkpoint.version, concerned)
  }

  /** As `#applyLot`, of a part of one that was read back. */
  #takePart(
    lot: NonNullable<LoggedStep['lot']>,
    { ids, documents }: SegmentPart,
    collection: Collection,
    concerned: DocSet,
  ): void {
    const known = documents.filter((kept, n) => !collection.take(ids[n]!, kept)) as Lot['documents'] & Kept[]
    this.#applyLot({ ...lot, parts: () => [() => ({ documents: known })] }, collection, concerned)
    collection.packed(documents)
  }

  /** A segment has these documents already: what differs from it is what is newer here. */
  #applyLot(
    { collection, parts }: NonNullable<LoggedStep['lot']>,
    documents: Collection,
    concerned: DocSet,
    arrived?: Arrived,
  ): void {
    const { confirmed } = documents
    for (const part of parts())
      for (const { document, version } of part().documents) {
        if (arrived && documents.arrive(document, version)) {
          arrived(collection, document)
          continue
        }
        const { _id: id } = document
        if (version < confirmed.versionOf(id)) {
          this.dirty.add(collection, id)
          continue
        }
        confirmed.set(document, version)
        concerned.add(collection, id)
      }
  }

  #touch(concerned: DocSet, collection: string, id: string | number): void {
    concerned.add(collection, id)
    this.dirty.add(collection, id)
  }

  #patchCheckpoint(patch: NonNullable<LoggedStep['checkpoint']>): void {
    const checkpoint: Record<string, unknown> = { ...this.checkpoint }
    for (const [field, value] of Object.entries(patch)) {
      if (value === undefined) delete checkpoint[field]
      else checkpoint[field] = value
    }
    this.checkpoint = freeze(checkpoint as unknown as Checkpoint)
  }

  #patchSubscriptions(patch: NonNullable<LoggedStep['subscriptions']>): void {
    const subscriptions = new Map(this.subscriptions)
    for (const [key, subscription] of patch) {
      if (subscription) subscriptions.set(key, freeze(subscription))
      else subscriptions.delete(key)
    }
    this.subscriptions = subscriptions
  }

  #forgetTabs(left: readonly string[]): void {
    const tabs = Object.entries(this.checkpoint.tabs ?? {}).filter(([tab]) => !left.includes(tab))
    this.checkpoint = freeze({ ...this.checkpoint, tabs: freeze(Object.fromEntries(tabs)) })
  }

  #renumber(first: MutationId): void {
    this.outbox.renumber(first)
    this.checkpoint = freeze({ ...this.checkpoint, nextMutation: first + this.outbox.durableCount })
  }
}

/** Hears of a document that is new, and shown. */
type Arrived = (collection: string, document: Document) => void

function freeze<T extends object>(value: T): T {
  return Object.freeze(value)
}
