import type { Document, Version } from '@nearcloud/protocol'
import { readDocumentText } from './packed.ts'

/**
 * What a collection keeps under one id: as the server has it (`confirmed`), and as the app sees it (`document`); null: not there.
 * One that was read from storage is text until somebody asks for it, and both are the same then.
 */
export class Kept {
  /** See `Slot`. */
  mark = 0
  /** Of `confirmed`; 0 where that is null. */
  version: Version
  private packed: string | undefined
  private seen: Document | null
  private theirs: Document | null

  constructor(version: Version, packed?: string, document: Document | null = null) {
    this.version = version
    this.packed = packed
    this.seen = document
    this.theirs = document
  }

  get document(): Document | null {
    this.unpack()
    return this.seen
  }

  set document(document: Document | null) {
    this.unpack()
    this.seen = document
  }

  get confirmed(): Document | null {
    this.unpack()
    return this.theirs
  }

  set confirmed(document: Document | null) {
    this.unpack()
    this.theirs = document
  }

  /** It is not read yet. */
  get isPacked(): boolean {
    return this.packed !== undefined
  }

  get isSeen(): boolean {
    return this.isPacked || this.seen !== null
  }

  /** It is not read yet, and its text has none of some of these lists. */
  lacks(texts: TextsIn): boolean {
    const { packed } = this
    return packed !== undefined && texts.some(list => !list.some(text => packed.includes(text)))
  }

  /** Throws for a text that is no document. */
  unpack(): void {
    if (this.packed === undefined) return
    this.seen = this.theirs = readDocumentText(this.packed)
    this.packed = undefined
  }
}

/** Of each list one is in the text of a document. */
export type TextsIn = readonly (readonly string[])[]
