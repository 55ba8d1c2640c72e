import type { Document, Value, Version } from '@nearcloud/protocol'
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

  /**
   * What the document holds in a field, as far as its text tells that: a number, a text, a date. Undefined: it has to be read.
   * `mark`: the field's name as a text has it, with the colon.
   */
  peek(mark: string): Value | undefined {
    const { packed = '' } = this
    const at = packed.indexOf(mark)
    // as the end of a longer name it has a backslash in front
    if (at < 1 || packed[at - 1] === '\\') return undefined
    // behind an object it may be a field of that
    let open = packed.indexOf('{', 1)
    while (open >= 0 && open < at && packed.startsWith(dateMark, open)) open = packed.indexOf('{', open + 1)
    if (open >= 0 && open < at) return undefined
    scalar.lastIndex = at + mark.length
    const [, text, date] = scalar.exec(packed) ?? []
    if (date !== undefined) return new Date(Number(date))
    return text === undefined ? undefined : (JSON.parse(text) as Value)
  }

  /** Throws for a text that is no document. */
  unpack(): void {
    if (this.packed === undefined) return
    this.seen = this.theirs = readDocumentText(this.packed)
    this.packed = undefined
  }
}

const dateMark = '{"$date":'
const scalar = /(-?\d[^,}]*|"(?:[^"\\]|\\.)*")|\{"\$date":(-?\d+)\}/y

/** Of each list one is in the text of a document. */
export type TextsIn = readonly (readonly string[])[]
