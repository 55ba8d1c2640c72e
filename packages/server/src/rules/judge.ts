import type { Document, DocumentData } from '@nearcloud/protocol'
import type { Query } from '@nearcloud/query'
import type { Actor } from '../actor.ts'
import type { Happened } from './concern.ts'
import type { RuleReads } from './rule-reads.ts'
import type { SchemaFault } from './schemas.ts'

/**
 * The one judge of every door.
 *
 * Laws. Implementers owe: answers depend on the arguments, what `reads` answers and `version` alone (they are asked again
 * for the same document at any time, in any order); nothing waits, and nothing throws but `checkQuery`, and ReadNeeded
 * where `reads` does: then nothing is decided; what is not allowed by a rule is refused; admin and functions are allowed
 * everything in the database. Callers owe: a new `version` ends whatever was decided under the old one, and so does a
 * change that `concernedBy` names; what is read is told to nobody.
 */
export interface Judge {
  /** Names the rules in force; part of every client's view key. */
  readonly version: string
  /** Is there a rule for reading that looks at other documents? */
  readonly readsOthers: boolean
  /**
   * Throws DATABASE_PERMISSION_DENIED, naming collection and rule, when the query may ask for more than this actor may
   * read. Where rules filter instead (presets), it never throws: `mayRead` is asked for every document anyway.
   */
  checkQuery(actor: Actor, query: Query, reads: RuleReads): void
  mayRead(actor: Actor, collection: string, document: Document, reads: RuleReads): boolean
  /**
   * Names those who see the same documents of the collection, at whatever moment; undefined: that depends on more than
   * who they are.
   */
  readersOf(actor: Actor, collection: string): string | undefined
  /**
   * True only where `mayRead` would say yes to this actor about every document, whatever it says, and reads nothing for it.
   * Absent: never.
   */
  mayReadAll?(actor: Actor, collection: string): boolean
  /** Asked about the merged result of a write, before it is stored; `reads` is as before the commit. */
  judgeWrite(actor: Actor, write: JudgedWrite, reads: RuleReads): Judgement
  /**
   * Why a document that is about to be stored is not as its collection's schema says; asked after `judgeWrite` allowed it. A document
   * that was not before may stay so. Absent: there are no schemas.
   */
  checkDocument?(actor: Actor, write: JudgedWrite): SchemaFault | undefined
  /**
   * Whose view of other documents this change may change, because a rule for reading looks at the changed one. Undefined:
   * nobody's. It says yes too often rather than too seldom.
   */
  concernedBy(happened: Happened): ((actor: Actor) => boolean) | undefined
  judgeFile(actor: Actor, act: 'read' | 'write', file: JudgedFile): Judgement
  mayInvoke(actor: Actor, functionName: string): boolean
}

export interface JudgedWrite {
  readonly collection: string
  /** What happens to the document, whatever was asked: a `set` that finds nothing is a create. */
  readonly op: 'create' | 'update' | 'delete'
  readonly before: Document | null
  readonly after: Document | null
  /** What was sent: the data of an add or set; for an update what is set by dotted path, null for
   * a path that is changed otherwise; null for a remove. */
  readonly data: DocumentData | null
}

export interface JudgedFile {
  readonly path: string
  /** The one who uploaded it; null when nobody known did, or it does not exist yet. */
  readonly openid: string | null
}

export type Judgement =
  | { readonly allowed: true }
  | {
      readonly allowed: false
      readonly rule: string
      readonly reason: string
      /** The path that may not be touched, where it is about one. */
      readonly path?: string
    }
