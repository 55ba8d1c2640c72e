import type { DocId, Document, DocumentData, MutationId, PathChange, Value, Write } from '@nearcloud/protocol'

/**
 * A condition on one field's value. `['and', …]`, `['or', …]`, `['not', t]` combine conditions on the same field.
 * A regular expression is `['eq', RegExpValue]` (or a member of `in`). `geoNear` also orders the result by distance.
 */
export type Test =
  | readonly ['eq' | 'neq', Value]
  | readonly ['gt' | 'gte' | 'lt' | 'lte', Value]
  | readonly ['in' | 'nin', readonly Value[]]
  | readonly ['exists', boolean]
  | readonly ['mod', readonly [divisor: number, remainder: number]]
  | readonly ['all', readonly Value[]]
  | readonly ['size', number]
  | readonly ['elemMatch', ElementTest]
  | readonly [
      'geoNear',
      { readonly geometry: Value; readonly maxDistance?: number; readonly minDistance?: number },
    ]
  | readonly ['geoWithin', Area]
  | readonly ['geoIntersects', { readonly geometry: Value }]
  | readonly ['and' | 'or', readonly Test[]]
  | readonly ['not', Test]

/** A condition on one element of an array: on the fields it has, or on the element itself. */
export type ElementTest = { readonly where: Filter } | { readonly is: Test }

/** A Polygon or MultiPolygon, or what lies within an angle (radians on the sphere) of a Point. */
export type Area =
  | { readonly geometry: Value }
  | { readonly centerSphere: readonly [center: Value, radius: number] }

/**
 * What a document must be to match, as plain data (it is a `Value`, and travels as one). `['and', []]` matches all.
 * Only these tuples are operators: an object in a condition is a value, whatever its keys are called.
 */
export type Filter =
  | readonly ['and' | 'or' | 'nor', readonly Filter[]]
  | readonly ['field', string, Test]
  /** The expression, computed of the document, is true. Compiling it needs `@nearcloud/query/aggregate`. */
  | readonly ['expr', Expression]

/**
 * Something computed of a document (`$.add('$a', 1)`), as plain data. A path is read as expressions read it: '' is the
 * document, arrays on the way are mapped. A call has one argument: a list of them, an object of named ones, or one alone.
 */
export type Expression =
  | readonly ['value', Value]
  | readonly ['path', string]
  /** `$$name.path`; '' for the whole of it. */
  | readonly ['variable', string, string]
  | readonly ['list', readonly Expression[]]
  | readonly ['object', readonly (readonly [key: string, Expression])[]]
  | readonly ['call', string, Expression]

export type Direction = 'asc' | 'desc'

/**
 * What a projection makes of one path. `true` includes it, `false` leaves it out. `slice`: of an array `count` elements
 * from `from` on (negative: counted from its end). `elemMatch`: of an array the first element that satisfies the test.
 */
export type FieldChoice =
  | boolean
  | readonly ['slice', readonly [from: number, count: number]]
  | readonly ['elemMatch', ElementTest]

/** By dotted path. */
export type Fields = Readonly<Record<string, FieldChoice>>

/** A question, as plain data. Without `orderBy` the order is by `_id`; every order ends with `_id`. */
export interface Query {
  readonly collection: string
  readonly where: Filter
  readonly orderBy: readonly (readonly [path: string, direction: Direction])[]
  /** Documents to leave out at the beginning; 0 for none. */
  readonly skip: number
  /** The most documents in the answer; absent for all. */
  readonly limit?: number
  /** Projection; absent for whole documents. */
  readonly fields?: Fields
}

/** What a query can be asked for. */
export type Read =
  | { readonly verb: 'get'; readonly query: Query }
  | { readonly verb: 'count'; readonly query: Query }

/** What `Executor.run` is asked. */
export type Run =
  | Read
  | { readonly verb: 'aggregate'; readonly aggregation: Aggregation }
  | { readonly verb: 'explain'; readonly query: Query }
  | { readonly verb: 'indexes'; readonly collection: string }

export interface Answer {
  /** In the query's order, projected; frozen. Empty for what is no get. */
  readonly documents: readonly Document[]
  /** For a count: how many match (skip and limit do not apply). */
  readonly total: number
  /** Answered from what happens to be here: not covered by a subscription, and offline. */
  readonly fromCache: boolean
  /** For an aggregation: what came out of it, in order; frozen. */
  readonly results?: readonly DocumentData[]
  readonly explanation?: Explanation
  readonly indexes?: readonly IndexDefinition[]
}

/** A pipeline over one collection, as plain data. The parts of a stage are checked by `parseAggregation`. */
export interface Aggregation {
  readonly collection: string
  readonly stages: readonly Stage[]
}

export type Stage =
  | readonly ['match', Filter]
  | readonly ['project', ProjectStage]
  | readonly ['addFields', readonly (readonly [path: string, Expression])[]]
  | readonly ['group', { readonly by: Expression; readonly fields: readonly Accumulation[] }]
  | readonly ['sort', readonly (readonly [path: string, Direction])[]]
  | readonly ['limit' | 'skip' | 'sample', number]
  | readonly ['unwind', { readonly path: string; readonly index?: string; readonly keepEmpty: boolean }]
  | readonly ['lookup', Lookup]
  | readonly ['replaceRoot' | 'sortByCount', Expression]
  | readonly ['count', string]
  | readonly [
      'bucket',
      {
        readonly by: Expression
        readonly boundaries: readonly Value[]
        readonly default?: Value
        readonly fields: readonly Accumulation[]
      },
    ]
  | readonly [
      'bucketAuto',
      {
        readonly by: Expression
        readonly buckets: number
        readonly granularity?: string
        readonly fields: readonly Accumulation[]
      },
    ]
  | readonly ['geoNear', GeoNearStage]

/** `total: ['sum', '$amount']` */
export type Accumulation = readonly [field: string, accumulator: string, Expression]

/** By dotted path: kept, left out, or computed. */
export type ProjectStage = readonly (readonly [path: string, boolean | Expression])[]

export type Lookup =
  | {
      readonly from: string
      readonly as: string
      readonly localField: string
      readonly foreignField: string
    }
  | {
      readonly from: string
      readonly as: string
      readonly let: readonly (readonly [name: string, Expression])[]
      readonly pipeline: readonly Stage[]
    }

export interface GeoNearStage {
  readonly near: Value
  readonly distanceField: string
  readonly minDistance?: number
  readonly maxDistance?: number
  readonly query: Filter
  readonly distanceMultiplier: number
  readonly includeLocs?: string
  /** The field with the location; absent: the first that holds a geometry. */
  readonly key?: string
  readonly limit: number
}

/** An index of one collection: what documents are found by, in the order of `keys`. */
export interface IndexDefinition {
  readonly name: string
  readonly keys: readonly (readonly [path: string, 1 | -1 | '2dsphere'])[]
  /** No two documents share a key. A document without any of the fields has none. */
  readonly unique: boolean
  /** A document is removed so long after the date it holds at the one path of `keys`. */
  readonly expireAfterSeconds?: number
}

/** How a query is answered. */
export interface Explanation {
  readonly plan: 'id' | 'index' | 'scan'
  /** The index, by name; several with ` & ` between: what is looked at, all of them reach. */
  readonly index?: string
  /** The answer comes out of the index in the order asked for. */
  readonly ordered: boolean
  /** Of the local store: the work it looked like, in documents looked at. */
  readonly estimated?: number
  /** How many documents were looked at, and how many of them are in the answer. */
  readonly examined: number
  readonly returned: number
  readonly answeredBy: 'local' | 'server'
  /**
   * Of the local store: the ways there were to answer, the one that promised least work first. It was taken, unless it is
   * `ordered` and the answer is not: then matches were rarer in that order than it looked.
   */
  readonly considered?: readonly Considered[]
}

/** A way to answer a query. */
export type Considered = Pick<Explanation, 'plan' | 'index' | 'ordered'> & { readonly estimated: number }

/**
 * What `Executor.commit` is asked: writes on documents that are named, decided together; one change of everything a
 * query matches when it is called (`first`: of the first match only); or a change of a collection's indexes. With
 * `wait: 'server'` the answer is the server's, also where a write is durable before.
 */
export type Commit =
  | { readonly writes: readonly Write[]; readonly wait?: 'server' }
  | {
      readonly target: Query
      readonly first: boolean
      readonly change: readonly PathChange[] | 'remove'
      readonly wait?: 'server'
    }
  | { readonly createIndex: IndexDefinition; readonly collection: string }
  | { readonly dropIndex: string; readonly collection: string }

export interface Committed {
  /** The documents touched, in order. */
  readonly ids: readonly DocId[]
  /** How many existed and were updated, removed; how many did not exist and were created. */
  readonly updated: number
  readonly removed: number
  readonly created: number
  /** Durable here, not yet answered by the server. */
  readonly pending: boolean
  /** For finding it in the client's events; absent where there is no outbox. */
  readonly mutationId?: MutationId
  /** `collection/id/path` of assignments that a newer edit had overtaken, where the server was waited for. */
  readonly superseded?: readonly string[]
}

export interface WatchObserver {
  next(snapshot: Snapshot): void
  /** Ends the watch. */
  error(error: Error): void
}

/** The result of a watched query after a commit. Frozen documents. */
export interface Snapshot {
  /** All of it is a copy that nobody else has, and not frozen. */
  readonly isOwn?: true
  /** 0, 1, 2 … for each watch. */
  readonly id: number
  /** On the first snapshot only. */
  readonly type?: 'init'
  readonly docs: readonly Document[]
  readonly docChanges: readonly DocChange[]
}

/** As the original's (wxcloud API, watch): how one document entered, changed in or left the result. */
export interface DocChange {
  readonly id: number
  readonly queueType: 'init' | 'enqueue' | 'update' | 'dequeue'
  readonly dataType: 'init' | 'add' | 'update' | 'replace' | 'remove' | 'limit'
  readonly docId: DocId
  readonly doc: Document
  /** For queueType `update`: dotted paths and their new values, and paths that are gone. */
  readonly updatedFields?: Readonly<Record<string, Value>>
  readonly removedFields?: readonly string[]
}

/**
 * Who carries out what the builder describes: the local store, the server's commit pipeline inside a function, or the
 * wire.
 *
 * Laws. Implementers: `run` and `watch` see every commit made before them by the same executor; `commit` resolves when
 * the writes are as durable as this executor promises and rejects with a CloudError when nothing was written; after
 * `close()` no observer is called; observers are never called inside `watch` itself. Callers: pass plain data only.
 */
export interface Executor {
  run(run: Run): Promise<Answer>
  commit(commit: Commit): Promise<Committed>
  watch(query: Query, observer: WatchObserver): { close(): Promise<void> }
  /**
   * Keeps the documents of a query here until `close`. Only where documents are kept apart from the server; an executor
   * on the server, where they all are, has no such verb.
   */
  follow?(query: Query, options?: FollowOptions): Following
  /** Opens a text field. Only where there are editors, so on no server; nor is there one on every client. */
  text?(place: TextPlace): Promise<TextHandle>
}

/** An executor on a client: texts are there when the platform brings them. */
export type ClientExecutor = Required<Omit<Executor, 'text'>> & Pick<Executor, 'text'>

export interface TextPlace {
  readonly collection: string
  readonly id: DocId
  readonly path: string
}

/**
 * A text field that is open: a Yjs type for an editor's binding.
 *
 * It is the editor's until `close` or until `closed` resolves; afterwards edits of it go nowhere.
 */
export interface TextHandle extends TextPlace {
  /** The `Y.Text` of the field. */
  readonly ytext: TextType<'ytext'>
  /** The `Y.Doc` it is in; there is nothing else in it. */
  readonly doc: TextType<'doc'>
  /**
   * An `Awareness` of `y-protocols`: cursors and names of those who have the text open, for who asks for it. It is the room of
   * the text: seen by who may read the document, and by nobody without a connection.
   */
  readonly awareness: TextType<'awareness'>
  /** The plain text, as the document's field has it. */
  toString(): string
  /**
   * Resolves when it is over: undefined after `close`; the reason when the text ended, may not be read any more, or was found
   * to differ from the server's (ABORTED: open it again).
   */
  readonly closed: Promise<Error | undefined>
  close(): void
}

/** Filled in, by declaration merging, by who brings Yjs: `ytext`, `doc` and `awareness`. */
// biome-ignore lint/suspicious/noEmptyInterface: it is merged into
export interface TextTypes {}
export type TextType<Name extends string> = TextTypes extends Record<Name, infer Type> ? Type : unknown

/** What arrives first: of two followed queries the more urgent one. */
export type Priority = 'high' | 'normal' | 'low'

export interface FollowOptions {
  /** Default `normal`; what somebody waits for (a read, a watch) is `high`. */
  readonly priority?: Priority
  /** Called as the first documents arrive, the last time with `done` equal to `total`. Not called when they are here. */
  onProgress?(progress: Progress): void
}

/** How much of a followed query has arrived, in documents. */
export interface Progress {
  readonly collection: string
  readonly done: number
  /** May fall with the last part, when fewer were found than looked likely. */
  readonly total: number
}

export interface Following {
  /** The documents are here. Rejects when the server refuses the query, with ABORTED when closed before. */
  readonly ready: Promise<void>
  close(): void
}

/** When a path was last assigned: the commit's version and the edit's time. */
export type Stamp = readonly [version: number, time: number]
/**
 * By dotted path. The whole document is `''`, assigned when it is made; `path.$` is when elements of the list at a path
 * changed places, and `$` stands for stamps of missing fields that were collected.
 */
export type Stamps = { readonly [path: string]: Stamp }

/** A document with its merge metadata. */
export interface Stored {
  readonly doc: Document
  readonly stamps: Stamps
}

/** Where a write stands among others. */
export interface WriteContext {
  /** The version the author had seen; Infinity: everything (a local replay, a function). */
  readonly base: number
  /** The edit's time, not later than its receipt. */
  readonly time: number
  /** The version this commit gets. */
  readonly version: number
  /** What server dates resolve to (plus their offset). */
  readonly now: number
  /** Authors whose base is older are rare: stamps of missing fields up to this version may be folded into one. */
  readonly horizon?: number
}

/** What a write did. */
export interface Applied {
  /** The document afterwards; null when it does not exist (removed, or an update that found nothing). */
  readonly after: Stored | null
  /** False when nothing is to be written: an update or remove that found no document. */
  readonly touched: boolean
  /** Paths whose assignment a newer edit had overtaken, and of changes of elements that are gone. */
  readonly superseded: readonly string[]
}
