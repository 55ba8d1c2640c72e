import type { DocumentData } from '@nearcloud/protocol'
import type { Holding } from './holding.ts'

/** What is put in order: a document, and whatever it is compared by. */
export interface Entry {
  readonly document: DocumentData
  /** What it is held for; written here. */
  bytes: number
}

/** Of all that is added the first so many in order, equal ones as they came. Little more than those is held. */
export class FirstInOrder<T extends Entry> {
  readonly #compare: (a: T, b: T) => number
  readonly #keep: number
  readonly #held: Holding
  #entries: T[] = []
  /** The last of those that would be kept now: nothing behind it is wanted. */
  #last: T | undefined

  constructor(compare: (a: T, b: T) => number, keep: number, held: Holding) {
    this.#compare = compare
    this.#keep = keep
    this.#held = held
  }

  add(entry: T): void {
    if (this.#last && this.#compare(entry, this.#last) >= 0) return
    entry.bytes = this.#held.add(entry.document)
    this.#entries.push(entry)
    if (this.#entries.length >= 2 * this.#keep + someEntries) this.#settle()
  }

  inOrder(): readonly T[] {
    this.#settle()
    return this.#entries
  }

  #settle(): void {
    this.#entries.sort(this.#compare)
    if (this.#entries.length < this.#keep) return
    for (const { bytes } of this.#entries.splice(this.#keep)) this.#held.remove(bytes)
    this.#last = this.#entries[this.#keep - 1]
  }
}

const someEntries = 500
