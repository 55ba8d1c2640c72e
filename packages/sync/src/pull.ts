import {
  applyPatch,
  assert,
  bucketOf,
  CloudError,
  type DocId,
  type Document,
  type DownOf,
  Inventory,
  type Item,
  limits,
  type Mutation,
  type MutationId,
  type Outcome,
  type PatchItem,
  readItem,
  readOutcome,
  readSnapshotItem,
  type Version,
} from '@nearcloud/protocol'
import type { ConfirmedStep, Store, StoredSubscription } from '@nearcloud/store'
import type { Here } from './crossing.ts'
import { rejectionOf } from './greeting.ts'
import { eachInPieces, type InPieces } from './in-pieces.ts'
import { firstAfter } from './push.ts'
import { type Gone, type Put, SnapshotAssembly } from './snapshot-assembly.ts'
import type { Done, Subscription } from './subscription.ts'
import type { Subscriptions } from './subscriptions.ts'

/** A step for the store, and what it means for those who wait. */
export type Pulled =
  | { readonly kind: 'step'; readonly step: ConfirmedStep; readonly accepted: readonly Outcome[] }
  /**
   * A new conversation has to find out what is missing. `order`: the message does not follow the ones before it; `base`: it
   * changes a document that is not here in that version; `letGo`: so it is, as can be when a query was let go before all of
   * it had come.
   */
  | { readonly kind: 'gap'; readonly why: 'order' | 'base' | 'letGo' }

/** What the server says in one conversation, as steps for the store. */
export class Pull {
  readonly #store: Store
  readonly #subscriptions: Subscriptions
  readonly #inPieces: InPieces | undefined
  #version: Version = 0
  /** Decided, and not yet part of a change message. */
  readonly #outcomes = new Map<MutationId, Outcome>()

  constructor(store: Store, subscriptions: Subscriptions, inPieces?: InPieces) {
    this.#store = store
    this.#subscriptions = subscriptions
    this.#inPieces = inPieces
  }

  /** Everything up to here has been said. */
  get version(): Version {
    return this.#version
  }

  /** What the server has said of documents, shown or not. */
  get #here(): Here {
    return this.#subscriptions.crossing ?? this.#store
  }

  /** Outcomes up to this one have come with their effects. */
  get seen(): MutationId {
    return (this.#subscriptions.crossing ?? this.#store.checkpoint).seen
  }

  /** Changes will follow this version. */
  begin(version: Version): void {
    this.#version = version
    this.#outcomes.clear()
  }

  /** Rejected mutations leave at once; accepted ones when a change message has their effect. */
  outcomes(outcomes: DownOf<'pushed'>['outcomes']): NonNullable<ConfirmedStep['rejected']> {
    const pending = new Set(this.#store.outbox.mutations.map(mutation => mutation.id))
    return outcomes.flatMap(outcome => {
      if (!pending.has(outcome.id)) return []
      if (outcome.status === 'rejected') return [rejectionOf(outcome)]
      this.#outcomes.set(outcome.id, readOutcome(outcome))
      return []
    })
  }

  /** `read`: its items. */
  changes(message: DownOf<'changes'>, read: Awaited<ReturnType<Pull['read']>>): Pulled {
    const { from, to, viewKey } = message
    const { lastMutation = this.seen } = message
    const { mutations } = this.#store.outbox
    const before = firstAfter(mutations, this.#subscriptions.crossing?.accepted ?? 0)
    const included = mutations.slice(before, firstAfter(mutations, lastMutation))
    if (from !== this.#version || to < from || included.some(({ id }) => !this.#outcomes.has(id)))
      return { kind: 'gap', why: 'order' }
    if (!read) return { kind: 'gap', why: this.#subscriptions.hasLetGo ? 'letGo' : 'base' }
    const removed = this.#removed(included)
    // as it was told before, in an earlier part of this message perhaps
    const isOver = ({ collection, document, version }: Put) =>
      removed.some(
        each => each.collection === collection && each.id === document._id && each.version > version,
      )
    const puts = removed.length === 0 ? read.puts : read.puts.filter(put => !isOver(put))
    const gone = [...read.gone, ...removed]
    for (const item of gone)
      for (const { assembly, query } of this.#subscriptions)
        if (query.collection === item.collection) assembly?.overtake(item)
    for (const put of puts)
      for (const { assembly, query } of this.#subscriptions)
        if (query.collection === put.collection) assembly?.brought(put)
    const seen = Math.max(lastMutation, this.seen)
    this.#version = to
    const accepted = included.map(({ id }) => this.#outcomes.get(id)!)
    for (const { id } of included) this.#outcomes.delete(id)
    return {
      kind: 'step',
      step: {
        puts,
        gone,
        accepted: lastMutation,
        checkpoint: { version: to, ...(viewKey !== undefined && { viewKey }), seen },
        subscriptions: this.#windows(message.windows ?? []),
      },
      accepted,
    }
  }

  /**
   * What accepted mutations removed at last. The server has nothing to tell of a removal where it had nothing any more, and a
   * copy that no query follows may be of before that.
   */
  #removed(mutations: readonly Mutation[]): Gone[] {
    const removed = new Map<string, Gone>()
    for (const { id, writes } of mutations) {
      const outcome = this.#outcomes.get(id)
      if (outcome?.status !== 'accepted') continue
      for (const write of writes) {
        const { op, collection, id } = write
        if (op === 'remove') removed.set(nameOf(write), { collection, id, version: outcome.version })
        else if (op === 'add' || op === 'set') removed.delete(nameOf(write))
      }
    }
    return [...removed.values()]
  }

  /**
   * A part of a subscription's snapshot: what of it is to be stored now, and how much has come. `text`: of its items, where
   * the store may keep it as it is. Undefined when nobody awaits it any more, as may be while this is found out.
   */
  async snapshot(
    subscription: Subscription,
    message: DownOf<'snapshot'>,
    text?: string,
  ): Promise<{ readonly step: ConfirmedStep | undefined; readonly done: Done } | undefined> {
    const { version, items, last } = message
    const { assembly } = subscription
    assert(assembly, 'a snapshot is awaited')
    const { key, query, isWindowed } = subscription
    // of the first parts of a window nobody would know that they are here
    assembly.isReplacing ??= (isWindowed && !last) || (await this.#isHere(subscription))
    if (!assembly.named) assembly.carried = new Map() // this is all of it
    const came = items.flatMap(item => readSnapshotItem(query.collection, item) ?? [])
    for (const item of items)
      if (item.length > 2 && item[2] === null)
        assembly.gone.push({ collection: query.collection, version: item[1], id: item[3]! })
    const due = assembly.add(version, came, last)
    const isAsItCame =
      text !== undefined && due.length > 0 && due.length === came.length && !assembly.isReplacing
    const puts = isAsItCame ? { lot: { collection: query.collection, documents: due, text } } : { puts: due }
    const done = { done: assembly.earlier + message.done, total: assembly.earlier + message.total }
    if (!last) {
      const { after, isReplacing } = assembly
      if (isReplacing) return { step: undefined, done }
      if (after === undefined) return { step: puts, done }
      return { step: { ...puts, subscriptions: new Map([[key, { query, complete: false, after }]]) }, done }
    }
    const stored: StoredSubscription = {
      query,
      complete: true,
      ...(isWindowed && { window: message.window ?? [...assembly.ids] }),
    }
    const gone = assembly.named
      ? this.#different(subscription, assembly, due)
      : await this.#replaced(subscription, assembly, stored)
    if (subscription.assembly !== assembly) return undefined
    return { step: { ...puts, gone, subscriptions: new Map([[key, stored]]) }, done }
  }

  /**
   * What the server has of a subscription, by sums: a step that completes it when the same is here, else a frame that names
   * what is here in the buckets that differ.
   */
  async inventory(
    subscription: Subscription,
    { sums }: DownOf<'inventory'>,
  ): Promise<{ readonly step?: ConfirmedStep; readonly frame?: string }> {
    const { id, key, query } = subscription
    const carried = this.#carriedTo(subscription)
    const mine = new Inventory()
    await this.#eachHere(subscription, carried, (id, version) => mine.add(id, version))
    const differing = mine.differing(sums)
    if (!differing)
      throw new CloudError('PROTOCOL_ERROR', { errMsg: 'the server sent an inventory that is none' })
    const { of, buckets } = differing
    if (buckets.length === 0) {
      const puts = [...carried.values()]
      return {
        step: { puts, subscriptions: new Map([[key, { query, complete: true }]]) },
        frame: JSON.stringify({ type: 'have', id, of, buckets: [], documents: [] }),
      }
    }
    const asked = new Set(buckets)
    const documents: [DocId, Version][] = []
    await this.#eachHere(subscription, carried, (id, version) => {
      if (asked.has(bucketOf(id, of))) documents.push([id, version])
    })
    if (this.#subscriptions.byId(id!) !== subscription) return {}
    const assembly = new SnapshotAssembly()
    assembly.isCompared = true
    assembly.carried = carried
    subscription.assembly = assembly
    const frame = JSON.stringify({ type: 'have', id, of, buckets, documents })
    // so much is not worth naming: it comes whole, and replaces what is here
    if (documents.length > limits.inventoryDocuments || frame.length * 3 > limits.frameBytes)
      return { frame: JSON.stringify({ type: 'have', id, of, buckets: [] }) }
    assembly.isReplacing = true
    assembly.named = new Map(documents)
    return { frame }
  }

  /** A refused subscription takes with it the documents that were here because of it alone. */
  denied(subscription: Subscription): ConfirmedStep {
    const gone = this.#subscriptions.disown(subscription)
    return { gone, subscriptions: new Map([[subscription.key, null]]) }
  }

  /** What a conversation that was cut brought, and nothing newer has come of since. */
  #carriedTo({ assembly, query }: Subscription): ReadonlyMap<DocId, Put> {
    const carried = new Map(assembly?.carried)
    for (const [id, { version }] of carried) {
      const known = this.#here.confirmed(query.collection, id)
      if (known && known.version >= version) carried.delete(id)
    }
    return carried
  }

  /** Documents of a subscription, in the store or carried over from a conversation that was cut. */
  async #eachHere(
    subscription: Subscription,
    carried: ReadonlyMap<DocId, Put>,
    visit: (id: DocId, version: Version) => void,
  ): Promise<void> {
    const here = (document: Document, version: Version) => {
      const { _id: id } = document
      if (!subscription.matches(document)) return
      visit(id, carried.size === 0 ? version : Math.max(version, carried.get(id)?.version ?? 0))
    }
    const { collection } = subscription.query
    if (!this.#inPieces) this.#here.eachConfirmed(collection, here)
    else await this.#each(collection, ({ document, version }) => here(document, version))
    for (const [id, { document, version }] of carried) {
      const known = this.#here.confirmed(subscription.query.collection, document._id)
      if (!known || !subscription.matches(known.document)) visit(id, version)
    }
  }

  #each(...[collection, visit]: [string, Parameters<typeof eachInPieces>[3]]): Promise<void> {
    return eachInPieces(this.#here, collection, this.#inPieces, visit)
  }

  async #isHere(subscription: Subscription): Promise<boolean> {
    const { collection } = subscription.query
    let isHere = false
    await this.#each(collection, ({ document }) => {
      isHere = subscription.isAbout(collection, document)
      return isHere
    })
    return isHere
  }

  /** What was here because of this subscription and is not in its snapshot. */
  async #replaced(
    subscription: Subscription,
    assembly: SnapshotAssembly,
    stored: StoredSubscription,
  ): Promise<Gone[]> {
    const { collection } = subscription.query
    const window = new Set(stored.window)
    const gone: Gone[] = []
    await this.#each(collection, ({ document, version }) => {
      if (assembly.has(document._id) || window.has(document._id) || version > assembly.version) return
      if (!subscription.isAbout(collection, document)) return
      if (subscription.isWindowed && this.#subscriptions.isAbout(collection, document, subscription)) return
      gone.push({ collection, version, id: document._id })
    })
    return gone
  }

  /**
   * What is not there any more, or not for us, and what is there in an older version than here. What a change message has said
   * since it was named is newer than both.
   */
  #different(subscription: Subscription, { gone, named }: SnapshotAssembly, puts: readonly Put[]): Gone[] {
    const { collection } = subscription.query
    const step: Gone[] = []
    for (const { id, version } of gone) {
      const known = this.#here.confirmed(collection, id)
      if (!known || !subscription.isAbout(collection, known.document)) continue
      if (known.version <= version || known.version === named!.get(id))
        step.push({ collection, version: known.version, id })
    }
    for (const { document, version } of puts) {
      const known = this.#here.confirmed(collection, document._id)
      if (known && known.version > version && known.version === named!.get(document._id))
        step.push({ collection, version: known.version, id: document._id })
    }
    return step
  }

  #windows(windows: NonNullable<DownOf<'changes'>['windows']>): ReadonlyMap<string, StoredSubscription> {
    const changed = new Map<string, StoredSubscription>()
    for (const [id, window] of windows) {
      const subscription = this.#subscriptions.byId(id)
      const stored = subscription?.told
      if (stored) changed.set(subscription!.key, { ...stored, window })
    }
    return changed
  }

  /** What items of changes say. Undefined when there is a patch for a document as it is not here. */
  async read(items: readonly Item[]): Promise<{ puts: Put[]; gone: Gone[] } | undefined> {
    const puts: Put[] = []
    const gone: Gone[] = []
    for (const [at, item] of items.entries()) {
      if (this.#inPieces && (at + 1) % itemsAtOnce === 0) await this.#inPieces.pause()
      const read = readItem(item)
      if ('document' in read) puts.push(read)
      else if ('gone' in read)
        gone.push({ collection: read.collection, version: read.version, id: read.gone })
      else {
        const put = this.#patched(read)
        if (!put) return undefined
        puts.push(put)
      }
    }
    return { puts, gone }
  }

  #patched({ collection, version, base, id, patch }: PatchItem): Put | undefined {
    const known = this.#here.confirmed(collection, id)
    if (known?.version !== base) return undefined
    return { collection, version, document: applyPatch(known.document, patch) }
  }
}

const itemsAtOnce = 50

function nameOf({ collection, id }: { readonly collection: string; readonly id: DocId }): string {
  return JSON.stringify([collection, id])
}
