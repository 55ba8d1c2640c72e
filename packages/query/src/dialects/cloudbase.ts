import type { CloudError, DocId, ErrorCode, Value } from '@nearcloud/protocol'
import { Aggregate } from '../builder/aggregate.ts'
import type { CollectionReference } from '../builder/collection.ts'
import { createDatabase, type Database } from '../builder/database.ts'
import type { DocumentReference } from '../builder/document.ts'
import type { FieldWishes, QueryReference } from '../builder/query.ts'
import type { OwnDocument, WatchSnapshot } from '../builder/results.ts'
import { type DialectOptions, limitsOf, type Said, type Steps, saying, stepsOf, told } from './dialect.ts'

/** Of every answer. */
type Answered<Result> = Promise<Result & { readonly requestId: string }>

/** As of `@cloudbase/node-sdk` and `@cloudbase/js-sdk`: data without a wrapper, and results without `errMsg`. */
export interface CloudbaseDatabase extends Pick<Database, 'command' | 'Geo' | 'serverDate' | 'RegExp'> {
  collection(name: string): CloudbaseCollection
  createCollection(name: string): Answered<object>
}

export interface CloudbaseQuery extends Steps<CloudbaseQuery> {
  get(): Answered<{ data: OwnDocument[] }>
  count(): Answered<{ total: number }>
  /** Of all that match. */
  update(data: object): Answered<{ updated: number }>
  /** Of all that match. */
  remove(): Answered<{ deleted: number }>
  aggregate(): CloudbaseAggregate
  watch(options: CloudbaseWatchOptions): { close(): Promise<void> }
}

export interface CloudbaseCollection extends CloudbaseQuery {
  readonly name: string
  doc(id: DocId): CloudbaseDocument
  /** On the server side also a list of documents, all or none. */
  add(data: readonly object[]): Answered<{ ids: readonly DocId[] }>
  add(data: object): Answered<{ id: DocId }>
}

export interface CloudbaseDocument {
  field(fields: FieldWishes): CloudbaseDocument
  /** A list of one document, or of none. */
  get(): Answered<{ data: OwnDocument[] }>
  update(data: object): Answered<{ updated: number }>
  /** `upsertedId` when the document was created. */
  set(data: object): Answered<{ updated: number; upsertedId?: DocId }>
  remove(): Answered<{ deleted: number }>
  watch(options: CloudbaseWatchOptions): { close(): Promise<void> }
}

export type CloudbaseAggregate = {
  readonly [Stage in Exclude<keyof Aggregate, 'end' | 'done'>]: (
    ...given: Parameters<Aggregate[Stage]>
  ) => CloudbaseAggregate
} & { end(): Answered<{ data: { [key: string]: Value }[] }> }

export interface CloudbaseWatchOptions {
  onChange(snapshot: CloudbaseSnapshot): void
  onError(error: Error): void
}

/** Documents as JSON has them: dates are text in here, as in the original. `type` is there on an empty first one only. */
export interface CloudbaseSnapshot extends Pick<WatchSnapshot, 'id' | 'type' | 'docs' | 'docChanges'> {
  readonly msgType: 'INIT_EVENT' | 'NEXT_EVENT'
}

/** `code` is one of the original's words, misspelled ones among them. */
export class CloudbaseError extends Error {
  readonly code: string
  /** Of a call that failed; absent where nothing was called. */
  readonly requestId?: string

  constructor(code: string, message: string, requestId?: string) {
    super(message)
    this.name = 'CloudbaseError'
    this.code = code
    if (requestId !== undefined) this.requestId = requestId
  }
}

/** CloudBase's database, over whatever carries out wx.cloud's. A missing document is an empty list, never an error. */
export function createCloudbaseDatabase(
  executor: Parameters<typeof createDatabase>[0],
  options: DialectOptions,
) {
  const wx = createDatabase(executor, { ...options, limits: limitsOf(options), throwOnNotFound: false })
  const dialect = { said: saying(errorFrom), answered: answering(options.newId) }
  const database: CloudbaseDatabase = {
    command: wx.command,
    ...{ Geo: wx.Geo, RegExp: wx.RegExp, serverDate: wx.serverDate },
    collection: name =>
      collectionOf(
        dialect.said(() => wx.collection(name)),
        dialect,
      ),
    createCollection: name =>
      dialect.answered(
        () => wx.createCollection(name),
        () => ({}),
      ),
  }
  return Object.freeze(database)
}

interface Dialect {
  readonly said: Said
  readonly answered: ReturnType<typeof answering>
}

function collectionOf(collection: CollectionReference<null>, dialect: Dialect): CloudbaseCollection {
  const { said, answered } = dialect
  return Object.freeze({
    ...queryOf(collection, dialect),
    name: collection.name,
    doc: (id: DocId) =>
      documentOf(
        said(() => collection.doc(id)),
        dialect,
      ),
    add: ((data: object) =>
      answered(
        () => collection.add({ data }),
        added => ('_ids' in added ? { ids: added._ids } : { id: added._id }),
      )) as CloudbaseCollection['add'],
  })
}

function queryOf(query: QueryReference, dialect: Dialect): CloudbaseQuery {
  const { said, answered } = dialect
  return Object.freeze({
    ...stepsOf(query, said, next => queryOf(next, dialect)),
    get: () =>
      answered(
        () => query.get(),
        ({ data }) => ({ data }),
      ),
    count: () =>
      answered(
        () => query.count(),
        ({ total }) => ({ total }),
      ),
    update: (data: object) =>
      answered(
        () => query.update({ data }),
        ({ stats }) => stats,
      ),
    remove: () =>
      answered(
        () => query.remove(),
        ({ stats }) => ({ deleted: stats.removed }),
      ),
    aggregate: () => aggregateOf(query.aggregate(), dialect),
    watch: (options: CloudbaseWatchOptions) => watch(query, options, said),
  })
}

function documentOf(document: DocumentReference<null>, dialect: Dialect): CloudbaseDocument {
  const { said, answered } = dialect
  return Object.freeze({
    field: (fields: FieldWishes) =>
      documentOf(
        said(() => document.field(fields)),
        dialect,
      ),
    get: () =>
      answered(
        () => document.get(),
        ({ data }) => ({ data: data ? [data] : [] }),
      ),
    update: (data: object) =>
      answered(
        () => document.update({ data }),
        ({ stats }) => stats,
      ),
    set: (data: object) =>
      answered(
        () => document.set({ data }),
        ({ _id, stats }) => ({ updated: stats.updated, ...(stats.created > 0 && { upsertedId: _id }) }),
      ),
    remove: () =>
      answered(
        () => document.remove(),
        ({ stats }) => ({ deleted: stats.removed }),
      ),
    watch: (options: CloudbaseWatchOptions) => watch(document, options, said),
  })
}

/** Every stage there is, each leading on; `end` answers as everything here does. */
function aggregateOf(aggregate: Aggregate, dialect: Dialect): CloudbaseAggregate {
  const stages = Object.getOwnPropertyNames(Aggregate.prototype).filter(
    name => !['constructor', 'end', 'done'].includes(name),
  ) as Exclude<keyof Aggregate, 'end' | 'done'>[]
  const stage = (name: (typeof stages)[number]) => (given: never) =>
    aggregateOf(
      dialect.said(() => aggregate[name](given)),
      dialect,
    )
  return Object.freeze({
    ...Object.fromEntries(stages.map(name => [name, stage(name)])),
    end: () =>
      dialect.answered(
        () => aggregate.end(),
        ({ list }) => ({ data: list }),
      ),
  }) as CloudbaseAggregate
}

function watch(
  watched: QueryReference | DocumentReference<null>,
  options: CloudbaseWatchOptions,
  said: Said,
): { close(): Promise<void> } {
  const { onChange, onError } = options ?? {}
  const isWhole = typeof onChange === 'function' && typeof onError === 'function'
  return said(() =>
    watched.watch(
      isWhole
        ? {
            onChange: snapshot => onChange.call(options, snapshotFrom(snapshot)),
            onError: error => onError.call(options, told(error, errorFrom)),
          }
        : (options as never), // refused for what it lacks
    ),
  )
}

function snapshotFrom({ id, type, docs, docChanges }: WatchSnapshot): CloudbaseSnapshot {
  return {
    id,
    ...(type && docs.length === 0 && { type }),
    msgType: type ? 'INIT_EVENT' : 'NEXT_EVENT',
    docs: JSON.parse(JSON.stringify(docs)) as OwnDocument[],
    docChanges: JSON.parse(JSON.stringify(docChanges)) as WatchSnapshot['docChanges'],
  }
}

/** Gives every answer, and every error, a name of its own; what a write says besides (`pending`) stays. */
function answering(newId: () => string) {
  return async <Result extends object, Shape extends object>(
    ask: () => Promise<Result>,
    shape: (result: Result) => Shape,
  ): Promise<Shape & { requestId: string }> => {
    const requestId = newId()
    try {
      const result = await ask()
      return { ...shape(result), ...besides(result), requestId }
    } catch (thrown) {
      throw told(thrown, (error, words) => errorFrom(error, words, requestId))
    }
  }
}

function besides({ pending, mutationId, fromCache }: Besides): Besides {
  return {
    ...(pending !== undefined && { pending }),
    ...(mutationId !== undefined && { mutationId }),
    ...(fromCache !== undefined && { fromCache }),
  }
}

interface Besides {
  readonly pending?: true
  readonly mutationId?: unknown
  readonly fromCache?: true
}

function errorFrom(error: CloudError, words: string, requestId?: string): CloudbaseError {
  return new CloudbaseError(originalCodes[error.code] ?? error.code, words, requestId)
}

/** CloudBase's error for anything thrown. */
export function cloudbaseError(thrown: unknown, requestId?: string): CloudbaseError {
  if (thrown instanceof CloudbaseError) return thrown
  return told(thrown, (error, words) => errorFrom(error, words, requestId)) as CloudbaseError
}

/** Where the original has another word, or spells it otherwise. */
const originalCodes: Partial<Record<ErrorCode, string>> = {
  INVALID_ENV: 'INVALIID_ENV',
  DATABASE_INVALID_OPERATOR: 'DATABASE_INVALID_OPERRATOR',
  DUPLICATE_ID: 'DATABASE_REQUEST_FAILED',
  VALUE_REFUSED: 'INVALID_PARAM',
  CIRCULAR_REFERENCE: 'INVALID_PARAM',
}
