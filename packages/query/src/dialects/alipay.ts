import type { CloudError, DocId, ErrorCode } from '@nearcloud/protocol'
import type { CollectionReference } from '../builder/collection.ts'
import type { DatabaseCommand } from '../builder/commands.ts'
import { createDatabase, type Database } from '../builder/database.ts'
import type { DocumentReference } from '../builder/document.ts'
import type { FieldWishes, QueryReference } from '../builder/query.ts'
import type { OwnDocument, WatchOptions } from '../builder/results.ts'
import {
  type DialectOptions,
  limitsOf,
  type Said,
  type Steps,
  saying,
  stepsOf,
  told,
  toldBy,
} from './dialect.ts'

/** For `orderBy`. */
export const Sort = Object.freeze({ ASC: 'asc', DESC: 'desc' })

/** What Alipay's `command` has of ours. */
const commands = [
  ...(['eq', 'neq', 'gt', 'gte', 'lt', 'lte', 'in', 'nin', 'exists', 'size'] as const),
  ...(['and', 'or', 'not', 'nor', 'set', 'inc'] as const),
] as const

/** As of `my.cloud`: bare documents and lists. Promises only. `watch` is ours: that platform has none. */
export interface AlipayDatabase extends Pick<Database, 'Geo' | 'serverDate' | 'RegExp'> {
  readonly command: Pick<DatabaseCommand, (typeof commands)[number]>
  collection(name: string): AlipayCollection
}

export interface AlipayQuery extends Steps<AlipayQuery> {
  /** `field`, by Alipay's name. */
  projection(fields: FieldWishes): AlipayQuery
  get(): Promise<OwnDocument[]>
  count(): Promise<number>
  /** Of all that match. */
  update(options: { readonly data: object }): Promise<{ count: number }>
  /** Of all that match. */
  remove(): Promise<{ count: number }>
  watch(options: WatchOptions): { close(): Promise<void> }
}

export interface AlipayCollection extends AlipayQuery {
  readonly name: string
  doc(id: DocId): AlipayDocument
  add(options: { readonly data: object }): Promise<{ _id: DocId }>
}

export interface AlipayDocument {
  readonly id: DocId
  field(fields: FieldWishes): AlipayDocument
  projection(fields: FieldWishes): AlipayDocument
  /** Rejects with NOT_FOUND. */
  get(): Promise<OwnDocument>
  update(options: { readonly data: object }): Promise<{ count: number }>
  set(options: { readonly data: object }): Promise<{ count: number }>
  remove(): Promise<{ count: number }>
  watch(options: WatchOptions): { close(): Promise<void> }
}

/** Alipay's number and words, and the code. */
export class AlipayError extends Error {
  readonly code: string
  readonly error: number
  readonly errorMessage: string

  constructor(code: string, error: number, errorMessage: string) {
    super(errorMessage)
    this.name = 'AlipayError'
    this.code = code
    this.error = error
    this.errorMessage = errorMessage
  }
}

/** Alipay's database, over whatever carries out wx.cloud's. */
export function createAlipayDatabase(
  executor: Parameters<typeof createDatabase>[0],
  options: DialectOptions,
) {
  const wx = createDatabase(executor, { ...options, limits: limitsOf(options) })
  const database: AlipayDatabase = {
    Geo: wx.Geo,
    serverDate: wx.serverDate,
    RegExp: wx.RegExp,
    command: Object.freeze(
      Object.fromEntries(commands.map(name => [name, wx.command[name]])),
    ) as AlipayDatabase['command'],
    collection: name => collectionOf(said(() => wx.collection(name))),
  }
  return Object.freeze(database)
}

function collectionOf(collection: CollectionReference): AlipayCollection {
  return Object.freeze({
    ...queryOf(collection),
    name: collection.name,
    doc: (id: DocId) => documentOf(said(() => collection.doc(id))),
    add: (options: { readonly data: object }) =>
      answered(async () => ({ _id: (await collection.add({ data: options?.data }))._id })),
  })
}

function queryOf(query: QueryReference): AlipayQuery {
  const steps = stepsOf(query, said, queryOf)
  return Object.freeze({
    ...steps,
    projection: steps.field,
    get: () => answered(async () => (await query.get()).data),
    count: () => answered(async () => (await query.count()).total),
    update: (options: { readonly data: object }) =>
      answered(async () => ({ count: (await query.update({ data: options?.data })).stats.updated })),
    remove: () => answered(async () => ({ count: (await query.remove()).stats.removed })),
    watch: (options: WatchOptions) => watch(query, options),
  })
}

function documentOf(document: DocumentReference): AlipayDocument {
  const field = (fields: FieldWishes) => documentOf(said(() => document.field(fields)))
  return Object.freeze({
    id: document.id,
    field,
    projection: field,
    get: () => answered(async () => (await document.get()).data!),
    update: (options: { readonly data: object }) =>
      answered(async () => ({ count: (await document.update({ data: options?.data })).stats.updated })),
    set: (options: { readonly data: object }) =>
      answered(async () => {
        const { stats } = await document.set({ data: options?.data })
        return { count: stats.updated + stats.created }
      }),
    remove: () => answered(async () => ({ count: (await document.remove()).stats.removed })),
    watch: (options: WatchOptions) => watch(document, options),
  })
}

function watch(watched: QueryReference | DocumentReference, options: WatchOptions) {
  return said(() => watched.watch(toldBy(options, alipayError)))
}

const said: Said = saying(errorFrom)

/** Alipay's error for anything thrown. */
export function alipayError(thrown: unknown): AlipayError {
  return thrown instanceof AlipayError ? thrown : (told(thrown, errorFrom) as AlipayError)
}

async function answered<Result>(ask: () => Promise<Result>): Promise<Result> {
  try {
    return await ask()
  } catch (thrown) {
    throw alipayError(thrown)
  }
}

function errorFrom({ code }: CloudError, words: string): AlipayError {
  const name = code === 'DOCUMENT_NOT_FOUND' ? 'NOT_FOUND' : code
  return new AlipayError(name, numbers[code] ?? callFailed, words)
}

const callFailed = 60_005
const numbers: Partial<Record<ErrorCode, number>> = {
  INVALID_PARAM: 60_001,
  INVALID_ENV: 60_001,
  VALUE_REFUSED: 60_001,
  CIRCULAR_REFERENCE: 60_001,
  NOT_INITIALIZED: 60_002,
  SERVER_TIMEOUT: 60_003,
  OFFLINE: 60_004,
}
