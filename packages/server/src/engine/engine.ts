import type { CloudError, DocId, Millis, MutationId, Outcome, Version } from '@nearcloud/protocol'
import type { Direction } from '@nearcloud/query'
import type { KeyRange } from '@nearcloud/query/indexes'
import type { Change, ChangeRecord } from '../commit/change.ts'

/**
 * The server's storage: documents with their merge stamps, rows of indexes, the one history, what was decided of each
 * client's mutations, and small durable strings. It judges nothing and understands no query: an index is a number to it,
 * and its keys are bytes that somebody else computed.
 *
 * Laws. Implementers owe: `commit` is all or nothing and resolves only when it would survive the loss of power; after
 * it resolved every read sees it; no read ever sees half of one; text comes back byte for byte. Environments do not
 * see each other. Callers owe: one `commit` of an environment in flight at a time (`writeState` and `dropRows` may come between),
 * versions that only grow (`batch.from` is the head, checked), texts that `encode` gave, for each change of a document the
 * changes of its keys in the same batch, nothing after `close`.
 * `testing/engine-suite.ts` checks all of it on every implementation.
 */
export interface Engine {
  /** Names this opening of the history: random, another one each time it is opened, durable before anybody hears of it. */
  readonly epoch: string
  /** Why nothing is stored any more, in this process; reading goes on. Absent while all is well. */
  readonly failure?: CloudError | undefined
  /** The last version, 0 before the first commit. */
  head(env: string): Promise<Version>
  /** History begins after this version; 0 while nothing was pruned. */
  horizon(env: string): Promise<Version>
  /**
   * The openings of this history, oldest first, at most the last thousand; the last one is this. Versions up to the start of
   * the next belong to an opening: who heard of a later one of it heard of a history that was taken back.
   */
  lineage(env: string): Promise<readonly Opening[]>
  /** What it holds, in bytes: the canonical texts of documents, and the history about as it is stored. */
  bytes(env: string): Promise<{ readonly documents: number; readonly history: number }>
  /** In the order of `ids`; null for what does not exist. */
  get(env: string, collection: string, ids: readonly DocId[]): Promise<readonly (StoredRow | null)[]>
  /**
   * A collection's documents in `_id` order (numbers before texts, texts by code point), in pages. Each page is one
   * moment of the database, later pages may be later moments. Other work of the process runs between pages.
   *
   * With an `index` its rows are walked instead, in the order of their keys, rows of one key by `_id` (all of it backwards
   * for `desc`); each gives its document as it is in that moment, with the `key`. A page begins right behind the last row
   * of the page before, whatever was added or removed meanwhile. A document is met once for each of its keys in the ranges,
   * and again when it moved ahead of the walk; not at all when it moved behind it. One that does not exist is never met.
   */
  scan(env: string, plan: ScanPlan): AsyncIterable<readonly StoredRow[]>
  /** Ids and versions of a collection in `_id` order, behind `after`, `limit` at most: one moment, in which the head is `head`. */
  versions(env: string, collection: string, after: DocId | undefined, limit: number): Promise<VersionPage>
  /** Names of the collections that have a document, sorted. */
  collections(env: string): Promise<readonly string[]>
  /** How many documents a collection has. */
  size(env: string, collection: string): Promise<number>
  /**
   * Changes after version `after`, oldest first: whole versions, as many as bring the list to `limit` or beyond. Empty
   * when `after` is the head. Undefined when changes after it were pruned: read the state instead, and go on from the
   * head.
   */
  log(env: string, after: Version, limit: number): Promise<readonly Change[] | undefined>
  commit(env: string, batch: Batch): Promise<void>
  /** Removes some rows of an index, `limit` at most, in a transaction of its own. Tells whether there are more. */
  dropRows(env: string, index: number, limit: number): Promise<boolean>
  client(env: string, client: string): Promise<ClientRow | undefined>
  /** What was decided of a client's mutations above `after`, in their order. */
  outcomes(env: string, client: string, after: MutationId): Promise<readonly OutcomeRow[]>
  /** A durable string of the server's own, such as a trigger's cursor; undefined when it was never written. */
  readState(env: string, key: string): Promise<string | undefined>
  /** null removes it. Durable when it resolves. To write it together with documents, put it in a batch. */
  writeState(env: string, key: string, value: string | null): Promise<void>
  /** Keys that begin with `prefix`, sorted, with their values. */
  listState(env: string, prefix: string): Promise<readonly (readonly [key: string, value: string])[]>
  /**
   * Forgets the oldest versions of the history, about `limit` changes, in a transaction of its own: what is older than
   * `before`, and more while it is larger than `maxBytes`; nothing above `upTo`. Tells whether there is more to forget.
   */
  prune(env: string, horizon: Horizon, limit: number): Promise<boolean>
  /**
   * Looks at `limit` clients behind `after`, by name: of those last seen before `before` only the row stays, as `forgotten`, and
   * not even that of one that never wrote. Gives the name to go on behind; undefined at the end.
   */
  forgetClients(env: string, before: Millis, after: string, limit: number): Promise<string | undefined>
  /** Gives some of the space that is free back to the disk, quickly. Tells whether there is more. */
  tidy(): Promise<boolean>
  close(): Promise<void>
}

export interface Opening {
  readonly epoch: string
  /** The head when it was opened. */
  readonly start: Version
}

export interface VersionPage {
  readonly head: Version
  readonly rows: readonly (readonly [id: DocId, version: Version])[]
}

export interface Horizon {
  readonly before: Millis
  readonly maxBytes: number
  readonly upTo: Version
}

/** What a change counts for in `bytes`: its document as it was, and what is stored besides. */
export function historyBytesOf(beforeBytes: number): number {
  return beforeBytes + 200
}

export interface StoredRow {
  readonly id: DocId
  /** The commit that wrote it last. */
  readonly version: Version
  /** The document's canonical text. */
  readonly text: string
  /** Its merge stamps, as `stampsText` gives them for this very document. */
  readonly stamps: string
  /** Of a walk along an index: the key it was met at. */
  readonly key?: string
}

export interface ScanPlan {
  readonly collection: string
  /** The rows of an index of this collection; of the rest only `pageSize` is looked at. */
  readonly index?: IndexWalk
  /**
   * Texts of which at least one occurs in the canonical text of every document that is wanted; for each list. Only a
   * narrowing: rows without them may be given too.
   */
  readonly containing?: readonly (readonly string[])[]
  /** Only these ids. */
  readonly ids?: readonly DocId[]
  /** Begin behind this id. */
  readonly after?: DocId
  /** Rows in a page, at most. */
  readonly pageSize?: number
}

export interface IndexWalk {
  readonly number: number
  /** Ascending and apart from each other, also for a walk backwards. */
  readonly ranges: readonly KeyRange[]
  readonly direction: Direction
}

export interface Batch {
  /** The head it builds on, and the head it makes; equal when no document changes. */
  readonly from: Version
  readonly to: Version
  /** In order of version and ordinal. The last one of a document is its new state. */
  readonly changes: readonly StoredChange[]
  /** Carried out in order. */
  readonly keys: readonly KeyChange[]
  readonly clients: readonly ClientRow[]
  readonly outcomes: readonly OutcomeRow[]
  /** Outcomes the client has for good. */
  readonly forgotten: readonly { readonly client: string; readonly upTo: MutationId }[]
  readonly state: readonly (readonly [key: string, value: string | null])[]
}

/** A batch in which nothing happens. */
export function emptyBatch(head: Version): Batch {
  return { from: head, to: head, changes: [], keys: [], clients: [], outcomes: [], forgotten: [], state: [] }
}

/** With the stamps of the new state, as `stampsText` gives them for its document. */
export interface StoredChange {
  readonly record: ChangeRecord
  readonly stamps: string
}

/**
 * What becomes of a document in an index: rows that are taken away, then rows that are added. To take away what is not
 * there, or to add what is, does nothing. Keys are texts whose characters are bytes (0 to 255), ordered by them.
 */
export interface KeyChange {
  readonly index: number
  readonly id: DocId
  readonly removed: readonly string[]
  readonly added: readonly string[]
}

export interface ClientRow {
  readonly client: string
  /** The user it was first used by, and the only one who may use it. */
  readonly openid: string
  readonly lastMutation: MutationId
  /** The latest edit time accepted from it. */
  readonly lastTime: Millis
  /** When it last said anything, by the server's clock. */
  readonly lastSeen: Millis
  /** How mutations up to this one were decided is forgotten, for want of a word from it. 0: nothing is. */
  readonly forgotten: MutationId
}

export interface OutcomeRow {
  readonly client: string
  readonly nonce: string
  readonly outcome: Outcome
}
