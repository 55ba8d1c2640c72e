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
}

/** What an engine stores of a change: texts instead of documents. */
export type ChangeRecord = Omit<Change, 'before' | 'beforeVersion' | 'after' | 'depth'>

/** A change from its record; documents are decoded when first asked for. */
export function changeOf(
  record: ChangeRecord,
  known: { before?: Document | null; beforeVersion?: Version; after?: Document | null } = {},
): Change {
  let { before, after } = known
  return {
    ...record,
    beforeVersion: known.beforeVersion,
    depth: record.actor.kind === 'function' ? record.actor.depth : 0,
    get before() {
      if (before === undefined) before = documentOf(record.beforeText)
      return before
    },
    get after() {
      if (after === undefined) after = documentOf(record.afterText)
      return after
    },
  }
}

function documentOf(text: string | null): Document | null {
  return text === null ? null : (decodeTrusted(text) as Document)
}
