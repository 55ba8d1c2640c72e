import {
  CloudError,
  checkCollectionName,
  checkDocumentSize,
  type DocId,
  type Document,
  limits,
  type Mutation,
  newNonce,
  type RandomBytes,
  type Version,
  type Write,
} from '@nearcloud/protocol'
import {
  checkWrite,
  type Explanation,
  type IndexDefinition,
  type Query,
  type Read,
  type Snapshot,
} from '@nearcloud/query'
import { answer } from './answer.ts'
import { checkFits } from './check-fits.ts'
import { DocSet } from './doc-map.ts'
import { drawnAhead } from './drawn-ahead.ts'
import { find } from './find.ts'
import { hear } from './hear.ts'
import { LiveQueries } from './live-queries.ts'
import type { Damage } from './load.ts'
import { touchedBy } from './outbox.ts'
import { type Change, effectOf, rebase, showEffect } from './overlay.ts'
import { type FoldJob, type Job, type Keep, type Log, RecordLog, type Refused } from './record-log.ts'
import {
  type Entry,
  entryText,
  type LoggedStep,
  type Origin,
  readEntry,
  segmentItemsText,
  segmentText,
} from './records.ts'
import type { ReserveInTime } from './reserve.ts'
import type { Segments } from './segments.ts'
import { ShownTexts } from './shown-texts.ts'
import { SortedList } from './sorted-list.ts'
import type { State } from './state.ts'
import type { Storage, StorageInfo } from './storage.ts'
import type {
  Checkpoint,
  CommitContext,
  CommitReceipt,
  Confirmed,
  ConfirmedStep,
  LoggedGroup,
  OutboxView,
  RejectedMutation,
  Store,
  StoredSubscription,
  StoredTextsView,
  StoreEvent,
} from './store.ts'
import { StoreEvents } from './store-events.ts'
import { isTextPending, type TextPlace, type TextStep } from './texts.ts'

interface Parts {
  readonly state: State
  readonly segments: Segments
  readonly storage: Storage
  readonly info: StorageInfo
  readonly random: RandomBytes
  readonly pause: () => Promise<void>
  readonly damage: Damage | undefined
  readonly reserve?: ReserveInTime
  /** Absent: on the storage. */
  readonly log?: (refused: Refused) => Log
}

/** The store: reads from memory, writes through the log. Made by `openStore`. */
export class LocalStore implements Store {
  readonly volatile: boolean
  readonly wasLost: boolean
  readonly damage: Damage | undefined
  readonly #state: State
  readonly #segments: Segments
  readonly #random: RandomBytes
  readonly #pause: () => Promise<void>
  readonly #log: Log
  readonly #live: LiveQueries
  readonly #events = new StoreEvents()
  readonly #shown = new ShownTexts()
  readonly #loggedListeners = new Set<(group: LoggedGroup) => void>()
  #isClosed = false

  constructor({ state, segments, storage, info, random, pause, damage, reserve, log }: Parts) {
    this.damage = damage
    this.volatile = info.volatile
    this.wasLost = info.wasLost ?? false
    this.#state = state
    this.#segments = segments
    this.#random = drawnAhead(random)
    this.#pause = pause
    this.#live = new LiveQueries(state.collections, state.outbox, error =>
      this.#events.emit({ name: 'observerFailed', error }),
    )
    const refused: Refused = (error, keep) => this.#takeBack(error, keep)
    this.#log =
      log?.(refused) ??
      new RecordLog(
        storage,
        info.maxPayloadBytes,
        {
          logged: (sequences, texts) => {
            segments.addLog(sequences)
            const group = { ...texts, sequence: sequences[sequences.length - 1]! }
            for (const listener of [...this.#loggedListeners]) listener(group)
          },
          beforeFold: () => this.#loadChanged(),
          fold: () => this.#fold(),
          refused,
        },
        pause,
        reserve,
      )
  }

  get checkpoint(): Checkpoint {
    const { checkpoint, outbox } = this.#state
    if (outbox.undurableCount === 0) return checkpoint
    const nextMutation = checkpoint.nextMutation + outbox.undurableCount
    return { ...checkpoint, nextMutation, lastTime: Math.max(checkpoint.lastTime, this.#lastTime) }
  }

  get subscriptions(): ReadonlyMap<string, StoredSubscription> {
    return this.#state.subscriptions
  }

  get outbox(): OutboxView {
    return this.#state.outbox
  }

  get rejected(): readonly RejectedMutation[] {
    return this.#state.rejected.all
  }

  get texts(): StoredTextsView {
    return this.#state.texts
  }

  get(collection: string, id: DocId): Document | undefined {
    this.#assertOpen()
    return this.#state.collections.of(collection).get(id)
  }

  confirmed(collection: string, id: DocId): Confirmed | undefined {
    this.#assertOpen()
    return this.#state.collections.of(collection).confirmed.get(id)
  }

  collections(): readonly string[] {
    this.#assertOpen()
    const { collections } = this.#state
    return [...collections.names()].filter(
      name => collections.isWaiting(name) || collections.of(name).confirmed.size > 0,
    )
  }

  *confirmedDocuments(only?: string): Iterable<Confirmed & { readonly collection: string }> {
    this.#assertOpen()
    const { collections } = this.#state
    for (const collection of only === undefined ? collections.names() : [only])
      for (const { document, version } of collections.of(collection).confirmed)
        yield { collection, document, version }
  }

  eachConfirmed(collection: string, visit: (document: Document, version: Version) => void): void {
    this.#assertOpen()
    for (const { document, version } of this.#state.collections.of(collection).confirmed)
      visit(document, version)
  }

  load(collection: string, query?: Query): Promise<void> | undefined {
    this.#assertOpen()
    const { collections } = this.#state
    return collections.isReadFor(collection, query)
      ? undefined
      : collections.load(collection, this.#pause, query)
  }

  run(run: Read, within?: ReadonlySet<DocId>): { documents: readonly Document[]; total: number } {
    this.#assertOpen()
    const { collections, outbox } = this.#state
    return answer(collections.of(run.query.collection), outbox, run, within)
  }

  async explain(query: Query): Promise<Explanation> {
    this.#assertOpen()
    const { explain } = await import('./explain.ts')
    this.#assertOpen()
    return explain(find(this.#state.collections.of(query.collection), query))
  }

  async createIndex(collection: string, given: IndexDefinition): Promise<void> {
    this.#assertOpen()
    checkCollectionName(collection)
    const { declare } = await import('./declared-index.ts')
    this.#assertOpen()
    declare(this.#state.collections.of(collection), given, SortedList)
  }

  dropIndex(collection: string, name: string): void {
    this.#assertOpen()
    this.#state.collections.of(collection).declared.delete(name)
  }

  indexes(collection: string): readonly IndexDefinition[] {
    this.#assertOpen()
    return [...this.#state.collections.of(collection).declared.values()].map(({ definition }) => definition)
  }

  watch(
    query: Query,
    observer: { next(snapshot: Snapshot): void },
    within?: () => ReadonlySet<DocId> | undefined,
    pause?: () => Promise<void>,
  ): () => void {
    this.#assertOpen()
    return this.#live.watch(query, snapshot => observer.next(snapshot), within, pause)
  }

  commit(writes: readonly Write[], context: CommitContext): CommitReceipt {
    return this.#commit(writes, context)
  }

  amend(nonce: string, writes: readonly Write[], context: CommitContext): CommitReceipt | undefined {
    this.#assertOpen()
    const { collections, outbox } = this.#state
    const { last } = outbox
    if (last?.nonce !== nonce) return undefined
    for (const write of writes) checkWrite(write)
    const asked = Object.freeze({ ...this.#newMutation(writes, context), id: last.id })
    const { mutation, text } = checkFits(asked, asked, { amends: nonce })
    outbox.amend(mutation)
    this.#lastTime = mutation.time
    this.#live.publish(
      rebase(collections, outbox, touchedBy([last, mutation]), this.checkpoint.openid, this.#shown),
    )
    const durable = this.#log.write(text, () => this.#state.amendIsDurable(mutation))
    const applied = writes.map(({ collection, id }) => {
      const exists = collections.of(collection).get(id) !== undefined
      return { id, existed: exists, exists }
    })
    return { mutation, applied, durable }
  }

  showText(place: TextPlace, plain: () => string): () => void {
    this.#assertOpen()
    const { collections, outbox } = this.#state
    const stop = this.#shown.show(place, plain)
    if (outbox.isPending(place.collection, place.id)) {
      const docs = new DocSet()
      docs.add(place.collection, place.id)
      this.#live.publish(rebase(collections, outbox, docs, this.checkpoint.openid, this.#shown))
    }
    return stop
  }

  retryRejected(nonce: string, writes: readonly Write[], context: CommitContext): CommitReceipt {
    this.#assertOpen()
    const { rejected } = this.#state
    rejected.check(nonce)
    const receipt = this.#commit(writes, context, nonce)
    rejected.leaves(nonce, receipt.durable)
    return receipt
  }

  discardRejected(nonce: string): Promise<void> {
    const left = this.#confirm({ discarded: [nonce] })
    this.#state.rejected.leaves(nonce, left)
    return left
  }

  confirm(given: ConfirmedStep): Promise<void> {
    const { lot, ...step } = given.lot ? given : manyAsLot(given)
    if (!lot) return this.#confirm(step)
    const { collection, documents, text } = lot
    const head = { name: this.#segments.takeName(), collection, size: documents.length }
    return this.#confirm(
      { ...step, lot: { segment: head.name, collection, parts: () => [() => ({ documents })] } },
      { text: segmentText(head, text), landed: sequences => this.#segments.addLot(head, sequences) },
    )
  }

  async forget(collection: string, keep: (document: Document, version: Version) => boolean): Promise<number> {
    this.#assertOpen()
    const gone: { collection: string; version: Version; id: DocId }[] = []
    for (const { document, version } of this.#state.collections.of(collection).confirmed)
      if (!keep(document, version)) gone.push({ collection, version, id: document._id })
    if (gone.length > 0) await this.#confirm({ gone })
    return gone.length
  }

  adopt(text: string, from: Origin): Promise<void> {
    this.#assertOpen()
    const entry = readEntry(text)
    if (entry.kind === 'step') return this.#confirm({ discarded: entry.step.discarded ?? [] })
    if (from[1] <= (this.checkpoint.tabs?.[from[0]] ?? 0)) return Promise.resolve()
    const { writes } = entry.mutation
    for (const write of writes) checkWrite(write)
    const { nextMutation, lastTime } = this.checkpoint
    const mutation = Object.freeze({
      ...entry.mutation,
      id: nextMutation,
      base: this.#cuts.some(cut => entry.mutation.base > cut) ? 0 : entry.mutation.base,
      time: Math.max(entry.mutation.time, lastTime),
    })
    const { retries } = entry
    if (retries !== undefined) this.#state.rejected.check(retries)
    this.show(mutation)
    const logged = { kind: 'mutation', mutation, from, ...(retries !== undefined && { retries }) } as const
    const durable = this.#log.write(
      entryText(logged),
      () => this.#state.mutationIsDurable(mutation, retries, from),
      { isRelief: mutation.writes.every(isRemoval) },
    )
    if (retries !== undefined) this.#state.rejected.leaves(retries, durable)
    return durable
  }

  onLogged(listener: (group: LoggedGroup) => void): () => void {
    this.#loggedListeners.add(listener)
    return () => this.#loggedListeners.delete(listener)
  }

  /** Lays a mutation over what is here that is on its way into storage. */
  show(mutation: Mutation): void {
    const { collections, outbox } = this.#state
    outbox.append(mutation)
    this.#lastTime = mutation.time
    this.#live.publish(
      rebase(collections, outbox, touchedBy([mutation]), this.checkpoint.openid, this.#shown),
    )
  }

  /** Entries of a log that another one writes. */
  heard(entries: readonly Entry[]): void {
    if (!this.#isClosed) this.#live.publish(hear(this.#state, entries, this.#shown))
  }

  compact(): Promise<void> {
    this.#assertOpen()
    return this.#log.fold()
  }

  /** Log that was there when the store was opened. */
  foundLog(entries: number, units: number): void {
    this.#log.found(entries, units)
  }

  async close(options?: { destroy?: boolean }): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#live.close()
    await this.#log.close(options)
  }

  onEvent(listener: (event: StoreEvent) => void): () => void {
    return this.#events.on(listener)
  }

  /** Of the latest mutation that storage may not have yet. */
  #lastTime = 0
  /** Where steps on their way into storage take the history back to. */
  #cuts: readonly Version[] = []

  #commit(writes: readonly Write[], context: CommitContext, retries?: string): CommitReceipt {
    this.#assertOpen()
    if (writes.length === 0 || writes.length > limits.batchWrites)
      throw new CloudError('INVALID_PARAM', {
        errMsg: `a commit has 1 to ${limits.batchWrites} writes, this one ${writes.length}`,
      })
    for (const write of writes) checkWrite(write)
    const { collections, outbox } = this.#state
    const asked = this.#newMutation(writes, context)
    const read = (collection: string, id: DocId) => collections.of(collection).get(id)
    const effect = effectOf(asked, this.#state.checkpoint.openid, read, { isNew: true, shown: this.#shown })
    for (const [, , after] of effect.documents) if (after) checkDocumentSize(after)
    const isAsAsked = effect.writes === asked.writes
    const guarded = isAsAsked ? asked : Object.freeze({ ...asked, writes: Object.freeze([...effect.writes]) })
    const { mutation, text } = checkFits(guarded, asked, { retries })
    outbox.append(mutation)
    this.#lastTime = mutation.time
    this.#live.publish(showEffect(collections, mutation, effect))
    const isRelief = mutation.writes.every(isRemoval)
    const made = { mutation, applied: effect.applied }
    const durable = this.#log.write(text, () => this.#state.mutationIsDurable(mutation, retries), {
      isRelief,
      removal: isRelief && retries === undefined ? made : undefined,
    })
    return Object.assign(made, { durable })
  }

  #newMutation(writes: readonly Write[], { time, base }: CommitContext): Mutation {
    const { nextMutation, lastTime, version } = this.#state.checkpoint
    const { undurableCount } = this.#state.outbox
    const atLeast = undurableCount === 0 ? lastTime : Math.max(lastTime, this.#lastTime)
    let seen = version
    for (const { collection, id } of writes)
      seen = Math.max(seen, this.#state.collections.of(collection).confirmed.versionOf(id))
    return Object.freeze({
      id: nextMutation + undurableCount,
      nonce: newNonce(this.#random),
      base: this.#cuts.some(cut => (base ?? seen) > cut) ? 0 : (base ?? seen),
      time: Math.max(time, atLeast),
      writes: Object.freeze([...writes]),
    })
  }

  async #confirm(given: LoggedStep, ahead?: Job['ahead']): Promise<void> {
    this.#assertOpen()
    const { collections, outbox } = this.#state
    const step = this.#withTextsGone(this.#withRoom(given))
    const { cut } = step
    if (cut !== undefined) this.#cuts = [...this.#cuts, cut]
    const apply = () => {
      const before = this.checkpoint.openid
      const changes: Change[] = []
      const { isWatched } = this.#live
      const concerned = this.#state.applyStep(step, (collection, after) => {
        if (isWatched) changes.push({ collection, id: after._id, before: null, after, dataType: 'add' })
      })
      const { openid } = this.checkpoint
      if (openid !== before) concerned.addAll(outbox.touched())
      this.#live.publish([...changes, ...rebase(collections, outbox, concerned, openid, this.#shown)])
    }
    try {
      const isRelief = !step.lot && (!step.puts?.length || step.accepted !== undefined)
      await this.#log.write(entryText({ kind: 'step', step }), apply, { ahead, isRelief })
    } finally {
      if (cut !== undefined) this.#cuts = this.#cuts.slice(1)
    }
  }

  /** What more is refused than the list of the rejected holds: the oldest are told, then they go. */
  #withRoom(step: LoggedStep): LoggedStep {
    const dropped = this.#state.rejected.inTheWayOf(step.rejected?.length ?? 0)
    if (dropped.length === 0) return step
    this.#events.emit({ name: 'rejectionsDropped', rejected: dropped })
    return {
      ...step,
      discarded: [...(step.discarded ?? []), ...dropped.map(({ mutation }) => mutation.nonce)],
    }
  }

  /** With a document its texts go, but those that somebody has open, and those of which something has to be sent. */
  #withTextsGone(step: LoggedStep): LoggedStep {
    const { texts, outbox } = this.#state
    if (!step.gone?.length || texts.size === 0) return step
    const again = new DocSet()
    for (const { collection, document } of step.puts ?? []) again.add(collection, document._id)
    const gone = step.gone
      .filter(({ collection, id }) => !again.has(collection, id))
      .flatMap(({ collection, id }) => texts.of(collection, id))
      .filter(text => !this.#shown.has(text) && !isTextPending(outbox.of(text.collection, text.id), text))
      .map(({ collection, id, path }): TextStep => ({ collection, id, path, put: null }))
    return gone.length > 0 ? { ...step, texts: [...gone, ...(step.texts ?? [])] } : step
  }

  #takeBack<Each>(error: CloudError, keep?: Keep<Each>): readonly Each[] {
    const { collections, outbox, checkpoint } = this.#state
    const taken = outbox.takeUndurable()
    const concerned = touchedBy(taken)
    const kept = keep?.(taken, outbox, checkpoint.nextMutation) ?? []
    this.#live.publish(rebase(collections, outbox, concerned, this.checkpoint.openid, this.#shown))
    this.#events.emit({ name: 'storageFailed', error })
    return kept
  }

  /** What of the log nobody asked for yet is known from here on. */
  async #loadChanged(): Promise<void> {
    const { changedLater, collections } = this.#state
    for (const name of changedLater) await collections.load(name, this.#pause)
    changedLater.clear()
  }

  #fold(): FoldJob {
    const fold = this.#segments.fold(this.#state)
    const folded = this.#state.dirty
    this.#state.dirty = new DocSet()
    return {
      ...fold,
      failed: error => {
        this.#state.dirty.addAll(folded)
        if (error) this.#events.emit({ name: 'compactionFailed', error })
      },
    }
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new CloudError('CLOSED', { errMsg: 'the local store is closed' })
  }
}

function isRemoval({ op }: Write): boolean {
  return op === 'remove'
}

/** Many documents of one collection are written once, as a segment, instead of to the log and then to a segment. */
function manyAsLot(step: ConfirmedStep): ConfirmedStep {
  const { puts = [], ...rest } = step
  const { collection } = puts[0] ?? {}
  if (collection === undefined || puts.length < fewDocuments) return step
  if (puts.some(put => put.collection !== collection)) return step
  const text = segmentItemsText(puts)
  return { ...rest, lot: { collection, documents: puts, text } }
}

const fewDocuments = 200
