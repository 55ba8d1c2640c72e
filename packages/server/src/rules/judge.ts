import type { Document, DocumentData } from '@nearcloud/protocol'
import type { Query } from '@nearcloud/query'
import type { Actor } from '../actor.ts'

/**
 * The one judge of every door.
 *
 * Laws. Implementers owe: answers depend on the arguments and `version` alone (they are asked again for the same
 * document at any time, in any order); nothing throws but `checkQuery`; what is not allowed by a rule is refused; admin
 * and functions are allowed everything in the database. Callers owe: a new `version` ends whatever was decided under
 * the old one.
 */
export interface Judge {
  /** Names the rules in force; part of every client's view key. */
  readonly version: string
  /**
   * Throws DATABASE_PERMISSION_DENIED, naming collection and rule, when the query may ask for more than this actor may
   * read. Where rules filter instead (presets), it never throws: `mayRead` is asked for every document anyway.
   */
  checkQuery(actor: Actor, query: Query): void
  mayRead(actor: Actor, collection: string, document: Document): boolean
  /** Asked about the merged result of a write, before it is stored. */
  judgeWrite(actor: Actor, write: JudgedWrite): Judgement
  judgeFile(actor: Actor, act: 'read' | 'write', file: JudgedFile): Judgement
  mayInvoke(actor: Actor, functionName: string): boolean
}

export interface JudgedWrite {
  readonly collection: string
  /** What happens to the document, whatever was asked: a `set` that finds nothing is a create. */
  readonly op: 'create' | 'update' | 'delete'
  readonly before: Document | null
  readonly after: Document | null
  /** What was sent: the data of an add or set; for an update the `set` arguments by dotted path; null for a remove. */
  readonly data: DocumentData | null
}

export interface JudgedFile {
  readonly path: string
  /** The one who uploaded it; null when nobody known did, or it does not exist yet. */
  readonly openid: string | null
}

export type Judgement =
  | { readonly allowed: true }
  | { readonly allowed: false; readonly rule: string; readonly reason: string }
