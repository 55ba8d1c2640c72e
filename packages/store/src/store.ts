import type {
  CloudError,
  DocId,
  Document,
  Millis,
  Mutation,
  MutationId,
  MutationJson,
  Version,
  Write,
} from '@nearcloud/protocol'
import type { Explanation, IndexDefinition, Query, Read, Snapshot } from '@nearcloud/query'
import type { Damage } from './load.ts'
import type { Origin } from './records.ts'
import type { StoredText, TextPlace, TextStep } from './texts.ts'

/**
 * The embedded database of a client. Documents are in memory, in two layers: *confirmed*, what the server has said,
 * and the *outbox* laid over it, which together are what the app sees. Storage holds a log of both.
 *
 * Reads, watches and the effect of `commit` are synchronous; promises resolve when storage has what they are about.
 * Documents handed out are frozen. After `close` every method throws CLOSED.
 */
export interface Store {
  /** Nothing here survives the process. */
  readonly volatile: boolean
  /** What was here before was taken away by the host: this is a new store. */
  readonly wasLost: boolean
  /** What was found broken when this was opened, and is mended now as far as it can be here: the server is asked for the rest. */
  readonly damage: Damage | undefined
  readonly checkpoint: Checkpoint
  /** By canonical text of the query. */
  readonly subscriptions: ReadonlyMap<string, StoredSubscription>
  readonly outbox: OutboxView
  readonly texts: StoredTextsView
  /** Refused by the server, not tried again and not discarded, oldest first; at most about 1,000. */
  readonly rejected: readonly RejectedMutation[]

  /** What the app sees. */
  get(collection: string, id: DocId): Document | undefined
  /** What the server has said. */
  confirmed(collection: string, id: DocId): Confirmed | undefined
  /** Names of collections of which the server has said something. */
  collections(): readonly string[]
  /** Everything the server has said, or what it said of one collection. Read it in one go: it is what is here now. */
  confirmedDocuments(collection?: string): Iterable<Confirmed & { readonly collection: string }>
  /** What it said of one collection, handed to `visit` one after the other: the quicker way for many. */
  eachConfirmed(collection: string, visit: (document: Document, version: Version) => void): void
  /**
   * Brings a collection into memory in small steps, with the host's other work between them. Until then it is only in storage;
   * whatever asks for it before that brings in the rest at once. Undefined when it is there.
   *
   * With the `query` that is to be asked: what only others want may come in after the promise resolved.
   */
  load(collection: string, query?: Query): Promise<void> | undefined
  /**
   * Answers a query: documents in order, projected. For a count: none, and how many match in `total` (skip and limit
   * do not apply); for a get `total` is the number of documents answered.
   *
   * `within`: the query is about these ids (its skip is in them already). Documents with pending mutations are looked at
   * as well, unless the query skips: where a local one stands before the window nobody here can tell.
   */
  run(run: Read, within?: ReadonlySet<DocId>): { documents: readonly Document[]; total: number }
  /** How `run` answers the query, by answering it. An index that is here by itself has its paths as name. */
  explain(query: Query): Promise<Explanation>
  /**
   * An index over what the app sees, for as long as the store is open: create it at each start. The same again is
   * nothing. Resolves when it can be used; what it needs is loaded with the first one.
   *
   * Rejects with INVALID_PARAM for another index of that name, for the 65th of a collection, and for `unique` and
   * `expireAfterSeconds`, which are the server's to keep.
   */
  createIndex(collection: string, definition: IndexDefinition): Promise<void>
  /** Nothing when there is none of that name. */
  dropIndex(collection: string, name: string): void
  /** Those that were created, in that order. */
  indexes(collection: string): readonly IndexDefinition[]
  /**
   * The result now, then once after each commit or confirmed step that changes it. `next` is never called inside
   * `watch`, `commit` or `confirm`, but soon after (a microtask), in order. `within` as in `run`; it is asked again
   * at each step. Returns the way to stop; after it `next` is not called.
   *
   * With `pause` a large result is made with pauses, and told later than soon: its first snapshot has what changed meanwhile, and
   * each is a copy for this observer alone.
   */
  watch(
    query: Query,
    observer: { next(snapshot: Snapshot): void },
    within?: () => ReadonlySet<DocId> | undefined,
    pause?: () => Promise<void>,
  ): () => void
  /**
   * One mutation: into the outbox and onto the overlay, now. Throws what is wrong with it (nothing is written then).
   *
   * `durable` resolves when storage has it. When storage refuses, the effect is taken back, together with everything
   * that waits behind it, and `durable` rejects.
   */
  commit(writes: readonly Write[], context: CommitContext): CommitReceipt
  /**
   * As `commit`, in the place of the last mutation of the outbox, named by its nonce, which must never have been sent: it
   * keeps its number, and gets a nonce of its own. Undefined when the last one is another by now.
   */
  amend(nonce: string, writes: readonly Write[], context: CommitContext): CommitReceipt | undefined
  /**
   * While it is shown, the field of a text that has pending edits says what `plain` gives, asked at each change. Returns the
   * way to stop.
   */
  showText(place: TextPlace, plain: () => string): () => void
  /**
   * What the server has said, as one record and one change of what watchers see. The effect is there when the promise
   * resolves; when it rejects nothing of the step happened. Steps take effect in the order of the calls. Everything
   * still pending is laid over the new documents.
   */
  confirm(step: ConfirmedStep): Promise<void>
  /**
   * As `commit`, and a rejected mutation, named by its nonce, leaves `rejected`: both in one record. It stays when storage
   * refuses. Throws INVALID_PARAM when there is none, or when it is on its way out.
   */
  retryRejected(nonce: string, writes: readonly Write[], context: CommitContext): CommitReceipt
  /** Takes one out of `rejected`; nothing when there is none. */
  discardRejected(nonce: string): Promise<void>
  /** Drops the confirmed documents of a collection that `keep` does not want; how many. Pending mutations stay. */
  forget(collection: string, keep: (document: Document, version: Version) => boolean): Promise<number>
  /**
   * A write that another tab made, by the text of its log entry: a mutation with its nonce, its moment and what its author saw,
   * or rejected ones that are discarded. A mutation that storage has already, by the tab's own number, is not made again.
   * Resolves when storage has it. Rejects as a commit.
   */
  adopt(entry: string, from: Origin): Promise<void>
  /** What storage has from now on, group by group, before anybody else hears that it has. Returns the way to stop. */
  onLogged(listener: (group: LoggedGroup) => void): () => void
  /** Folds the log into segments now. It happens by itself as well. */
  compact(): Promise<void>
  /** Waits for what was written, then releases the storage; `destroy` removes the data. */
  close(options?: { destroy?: boolean }): Promise<void>
  onEvent(listener: (event: StoreEvent) => void): () => void
}

/** Records of the log as they went to storage: whoever applies them in order has the same store. */
export interface LoggedGroup {
  /** Segments of lots that the log names. */
  readonly aheads: readonly string[]
  readonly log: string
  /** Of the last of their records. */
  readonly sequence: number
}

export interface StoredTextsView extends Iterable<StoredText> {
  readonly size: number
  get(place: TextPlace): StoredText | undefined
}

export interface Confirmed {
  readonly document: Document
  readonly version: Version
}

/** Where this store stands in its conversation with the server. */
export interface Checkpoint {
  /** This store's name towards the server, made with the store. */
  readonly client: string
  /** The id the next mutation gets. */
  readonly nextMutation: MutationId
  /** Names the server's history, as it was opened last. */
  readonly epoch?: string
  /** The openings of the server's history that led to this copy, oldest first: epochs, and versions at which they began. */
  readonly lineage?: readonly (readonly [epoch: string, start: Version])[]
  /** The last change message applied. */
  readonly version: Version
  readonly viewKey?: string
  /** Outcomes up to this mutation are durable here. */
  readonly seen: MutationId
  /** Of the latest mutation: edit times only grow. */
  readonly lastTime: Millis
  readonly openid?: string
  readonly token?: string
  /** Of each tab that writes through this store: the number of the last of its writes that storage has. */
  readonly tabs?: Readonly<Record<string, number>>
}

export interface StoredSubscription {
  readonly query: Query
  /** Its whole snapshot is here. */
  readonly complete: boolean
  /** The ids of the result of a query with limit or skip. */
  readonly window?: readonly DocId[]
  /** Nobody keeps it in step since then, by this device's clock; what is here because of it is a cache. */
  readonly letGo?: Millis
  /** Of one that is not complete: everything up to this `_id` is here, as of the checkpoint's version. */
  readonly after?: DocId
}

export interface OutboxView {
  /** Those that storage has, in order: what may be sent. */
  readonly mutations: readonly Mutation[]
  /** Of all, also of those on their way to storage. */
  readonly size: number
  /** The first of all that `isMeant`. */
  find(isMeant: (mutation: Mutation) => boolean): Mutation | undefined
  isPending(collection: string, id: DocId): boolean
  /** What calls do here, until the server has done it; oldest first. */
  readonly drafts: readonly Draft[]
  /** Those that touch a document, in order, also those on their way to storage, and drafts. */
  of(collection: string, id: DocId): readonly Mutation[]
}

/** What a call does here, until the server has done it. */
export interface Draft extends Omit<DraftJson, 'mutation'> {
  readonly mutation: Mutation
  readonly json: DraftJson
}

/** As it is stored. */
export interface DraftJson {
  /** Of the call. */
  readonly key: string
  /** Its number lies between those of the mutations it was made between. */
  readonly mutation: MutationJson
  /** Decided: the effects are in this version. */
  readonly due?: Version
}

/** Known by the nonce of its mutation. */
export interface RejectedMutation {
  readonly mutation: Mutation
  readonly code: string
  readonly reason: string
  readonly details: Readonly<Record<string, unknown>>
  /** When it was refused, by the server's clock. */
  readonly time: Millis
}

export interface CommitContext {
  /** The moment of the edit by the server's clock. Raised to the last mutation's when it lies before it. */
  readonly time: Millis
  /** The version the author had seen; absent: the checkpoint's, or the newest of the documents touched. */
  readonly base?: Version
}

export interface CommitReceipt {
  readonly mutation: Mutation
  /** For each write: was the document there before it, is it there after it. */
  readonly applied: readonly { readonly id: DocId; readonly existed: boolean; readonly exists: boolean }[]
  readonly durable: Promise<void>
}

export interface ConfirmedStep {
  /** Older than the confirmed version: ignored. */
  readonly puts?: readonly {
    readonly collection: string
    readonly version: Version
    readonly document: Document
  }[]
  /** More puts, which the store writes down as the text they came in. */
  readonly lot?: Lot
  /** No longer there, or no longer visible. Older than the confirmed version: ignored. Happens before the puts. */
  readonly gone?: readonly { readonly collection: string; readonly version: Version; readonly id: DocId }[]
  /** Leave the outbox with their effects, which the puts hold from now on: all up to this one. */
  readonly accepted?: MutationId
  /** Leave the outbox with their effects, and are kept in `rejected`. */
  readonly rejected?: readonly {
    readonly id: MutationId
    readonly code: string
    readonly reason: string
    readonly details?: Readonly<Record<string, unknown>>
    /** By the server's clock; absent: the moment of the edit. */
    readonly time?: Millis
  }[]
  /** Leave the list of the rejected, by their nonces: of what is in both nothing is kept. */
  readonly discarded?: readonly string[]
  /**
   * The numbers of the `rejected` are given again: those behind them are numbered anew, without a gap. Nothing that is in the
   * outbox before this step may ever have been sent.
   */
  readonly closeUp?: true
  /** Fields to replace; undefined removes one. */
  readonly checkpoint?: {
    readonly [K in Exclude<keyof Checkpoint, 'nextMutation'>]?: Checkpoint[K] | undefined
  }
  /** What the server has said of texts. Happens after the rest. */
  readonly texts?: readonly TextStep[]
  /**
   * The server's history was taken back to this version: what is pending and had seen more, also what is made while this is on
   * its way into storage, counts as having seen nothing (base 0).
   */
  readonly cut?: Version
  /**
   * What a call does here before the server has done it: over everything written before, under what is written since, and never
   * sent. A key that is there already is passed over.
   */
  readonly laid?: DraftJson
  /**
   * The server has decided the call: what was laid for it leaves in the very step that brings this version, at once when that
   * is here or none is told.
   */
  readonly lifted?: { readonly key: string; readonly version?: Version }
  /** Tabs that are no more: nothing of theirs will come again. */
  readonly left?: readonly string[]
  /** Subscriptions to put, or (null) to remove. */
  readonly subscriptions?: ReadonlyMap<string, StoredSubscription | null>
  /**
   * This store turned out to be a copy of another: it goes on under this client id, its undecided mutations renumbered
   * from 1. Happens after the rest of the step.
   */
  readonly renumber?: { readonly client: string }
}

/** Documents of one collection, with their text. */
export interface Lot {
  readonly collection: string
  readonly documents: readonly Confirmed[]
  /** `[version,document]` of each of them in this order, in canonical JSON, with commas between: what they were read from. */
  readonly text: string
}

/** Things that happen to a store that nobody asked for. */
export type StoreEvent =
  /** Storage refused; what waited for it was taken back. */
  | { readonly name: 'storageFailed'; readonly error: CloudError }
  /**
   * So many were refused that the list of the rejected is full: these, the oldest, leave it for new ones. Told before they
   * go, and again when it comes to nothing because storage refuses.
   */
  | { readonly name: 'rejectionsDropped'; readonly rejected: readonly RejectedMutation[] }
  /** The log could not be folded; nothing is lost, and it is tried again later. */
  | { readonly name: 'compactionFailed'; readonly error: CloudError }
  /** An observer threw; the others were called all the same. */
  | { readonly name: 'observerFailed'; readonly error: CloudError }
