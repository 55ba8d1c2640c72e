import { copyValue, type DocId, type Document, type MutationId, type Value } from '@nearcloud/protocol'
import type { Committed, DocChange, Explanation, IndexDefinition, Snapshot } from '../types.ts'
import type { Callbacks } from './callbacks.ts'

/** A document an app may change: a copy of its own. */
export interface OwnDocument {
  _id: DocId
  [key: string]: Value
}

export interface QueryResult {
  readonly data: OwnDocument[]
  readonly errMsg: string
  /** Answered from what happens to be here: neither subscribed nor online. Absent otherwise. */
  readonly fromCache?: true
}

export interface DocumentResult<Missing = never> {
  /** null only with `throwOnNotFound: false`. */
  readonly data: OwnDocument | Missing
  readonly errMsg: string
  readonly fromCache?: true
}

export interface CountResult {
  readonly total: number
  readonly errMsg: string
  readonly fromCache?: true
}

export interface AggregateResult {
  readonly list: { [key: string]: Value }[]
  readonly errMsg: string
  readonly fromCache?: true
}

export interface ExplainResult extends Explanation {
  readonly errMsg: string
}

export interface IndexResult {
  readonly name: string
  readonly errMsg: string
}

export interface IndexListResult {
  readonly indexes: readonly IndexDefinition[]
  readonly errMsg: string
}

/** Of every write. */
export interface WriteResult {
  readonly errMsg: string
  /** Durable here, not yet answered by the server. Absent otherwise. */
  readonly pending?: true
  /** The name of the write in the client's events. */
  readonly mutationId?: MutationId
  /** With `wait: 'server'`: `collection/id/path` of what a newer edit had overtaken. Absent when nothing was. */
  readonly superseded?: readonly string[]
}

export interface AddResult extends WriteResult {
  readonly _id: DocId
}
export interface AddListResult extends WriteResult {
  readonly _ids: readonly DocId[]
}
export interface UpdateResult extends WriteResult {
  readonly stats: { readonly updated: number }
}
export interface RemoveResult extends WriteResult {
  readonly stats: { readonly removed: number }
}
export interface SetResult extends WriteResult {
  readonly _id: DocId
  readonly stats: { readonly updated: number; readonly created: number }
}

/** As the original's typings have it, that is: with lists that may be changed. */
export interface OwnChange extends Omit<DocChange, 'doc' | 'docId' | 'updatedFields' | 'removedFields'> {
  /** Text or a number, as the document has it. */
  // biome-ignore lint/suspicious/noExplicitAny: the public typings say text, and there are numbers
  readonly docId: any
  readonly doc: OwnDocument
  readonly updatedFields?: Record<string, Value>
  readonly removedFields?: string[]
}

export interface WatchSnapshot extends Omit<Snapshot, 'docs' | 'docChanges' | 'isOwn'> {
  readonly docs: OwnDocument[]
  readonly docChanges: OwnChange[]
}

export interface WatchOptions {
  onChange(snapshot: WatchSnapshot): void
  /** The watch has ended. */
  onError(error: Error): void
}

/** Options of a call in callback style. */
export type CallbackStyle<Result> = Callbacks<Result> &
  ({ success: object } | { fail: object } | { complete: object })

export function ownDocument(document: Document): OwnDocument {
  return copyValue(document) as OwnDocument
}

export function ownSnapshot({ docs, docChanges, isOwn, ...rest }: Snapshot): WatchSnapshot {
  if (isOwn) return { ...rest, docs, docChanges } as WatchSnapshot
  return {
    ...rest,
    docs: docs.map(ownDocument),
    docChanges: copyValue(docChanges as unknown as Value) as unknown as OwnChange[],
  }
}

/** What every write's result says beside its own. */
export function writeResult(api: string, { pending, mutationId, superseded }: Committed): WriteResult {
  return {
    errMsg: `${api}:ok`,
    ...(pending && { pending: true as const }),
    ...(mutationId !== undefined && { mutationId }),
    ...(superseded && { superseded }),
  }
}
