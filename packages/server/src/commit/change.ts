import { type DocId, type Document, decodeTrusted, type Version } from '@nearcloud/protocol'
import type { Actor } from '../actor.ts'

export type DataType = 'add' | 'update' | 'replace' | 'remove'

/** What a commit did to one document: the one shape of history. A document occurs at most once in a version. */
export interface Change {
  readonly version: Version
  /** The place among the changes of its version: 0, 1, 2 … */
  readonly ordinal: number
  readonly collection: string
  readonly id: DocId
  /** null when it did not exist. Frozen. */
  readonly before: Document | null
  /** The commit that made `before`; absent where that is not known, as in history. */
  readonly beforeVersion?: Version | undefined
  /** null when it does not exist any more. Frozen. */
  readonly after: Document | null
  readonly beforeText: string | null
  /** Canonical text of `after`, for splicing into frames. */
  readonly afterText: string | null
  readonly dataType: DataType
  readonly actor: Actor
  /** Triggers that led to it; a trigger's function runs one deeper. */
  readonly depth: number
  /** The client whose mutation did it, where one did. */
  readonly client: string | null
  /** Server time of the commit. */
  readonly time: number
  /** The version of `before`; told only when it happens, and null when there was none. */
  readonly replaced?: Version | null
}

/** What an engine stores of a change: texts instead of documents. */
export type ChangeRecord = Omit<Change, 'before' | 'beforeVersion' | 'after' | 'depth'>

/** A change from its record; documents are decoded when first asked for. */
export function changeOf(
  record: ChangeRecord,
  known: { before?: Document | null; beforeVersion?: Version | undefined; after?: Document | null } = {},
): Change {
  return new RecordedChange(record, known)
}

/** Written out, since many are made: a copy with accessors of its own takes ten times as long. */
class RecordedChange implements Change {
  readonly version: Version
  readonly ordinal: number
  readonly collection: string
  readonly id: DocId
  readonly beforeVersion: Version | undefined
  readonly beforeText: string | null
  readonly afterText: string | null
  readonly dataType: DataType
  readonly actor: Actor
  readonly depth: number
  readonly client: string | null
  readonly time: number
  #before: Document | null | undefined
  #after: Document | null | undefined

  constructor(
    record: ChangeRecord,
    known: { before?: Document | null; beforeVersion?: Version | undefined; after?: Document | null },
  ) {
    this.version = record.version
    this.ordinal = record.ordinal
    this.collection = record.collection
    this.id = record.id
    this.beforeVersion = known.beforeVersion
    this.beforeText = record.beforeText
    this.afterText = record.afterText
    this.dataType = record.dataType
    this.actor = record.actor
    this.depth = record.actor.kind === 'function' ? record.actor.depth : 0
    this.client = record.client
    this.time = record.time
    this.#before = known.before
    this.#after = known.after
  }

  get before(): Document | null {
    if (this.#before === undefined) this.#before = documentOf(this.beforeText)
    return this.#before
  }

  get after(): Document | null {
    if (this.#after === undefined) this.#after = documentOf(this.afterText)
    return this.#after
  }
}

function documentOf(text: string | null): Document | null {
  return text === null ? null : (decodeTrusted(text) as Document)
}
