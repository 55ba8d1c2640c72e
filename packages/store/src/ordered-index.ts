import type { DocId, Document, Value } from '@nearcloud/protocol'
import { type Constraint, compareValues, keysAt } from '@nearcloud/query'

export interface Entry {
  readonly key: Value
  readonly id: DocId
}

/** A part of the index: from one position up to, and without, another. */
interface Span {
  readonly from: Position
  readonly to: Position
}

interface Position {
  readonly chunk: number
  readonly at: number
}

/**
 * The documents of a collection in the order of what they hold at one path: a sorted list in chunks. A document has an
 * entry for each of its keys there (the elements of an array and the array itself), and none where the path reaches
 * nothing.
 */
export class OrderedIndex {
  readonly path: string
  #chunks: Entry[][] = []
  #irregular = 0
  readonly #fullChunk: number

  constructor(path: string, documents: Iterable<Document>, fullChunk = 512) {
    this.path = path
    this.#fullChunk = fullChunk
    const entries: Entry[] = []
    for (const document of documents) entries.push(...this.#entriesOf(document, 1))
    entries.sort(compareEntries)
    for (let at = 0; at < entries.length; at += fullChunk / 2)
      this.#chunks.push(entries.slice(at, at + fullChunk / 2))
  }

  /** Every document has exactly one entry, which is what an `orderBy` of this path sorts by. */
  get isOrder(): boolean {
    return this.#irregular === 0
  }

  add(document: Document): void {
    for (const entry of this.#entriesOf(document, 1)) this.#insert(entry)
  }

  remove(document: Document): void {
    for (const entry of this.#entriesOf(document, -1)) this.#delete(entry)
  }

  /** Where documents that satisfy the constraint are; all of the index for none. */
  spansOf(constraint: Constraint | undefined): readonly Span[] {
    if (constraint?.equals) {
      const values = sortedUnique(constraint.equals)
      return values.map(value => ({ from: this.#seek(value, false), to: this.#seek(value, true) }))
    }
    const { lower, upper } = constraint ?? {}
    const from = lower ? this.#seek(lower.value, !lower.inclusive) : start
    const to = upper ? this.#seek(upper.value, upper.inclusive) : this.#end()
    if (!lower || !upper || this.isOrder) return [{ from, to }]
    // elements of one array may satisfy one bound each: take the better bound alone
    const [above, below] = [
      { from, to: this.#end() },
      { from: start, to },
    ]
    return [this.count([above]) < this.count([below]) ? above : below]
  }

  /** Entries in these spans. */
  count(spans: readonly Span[]): number {
    let total = 0
    for (const { from, to } of spans) {
      if (!isBefore(from, to)) continue
      total += to.at - from.at
      for (let chunk = from.chunk; chunk < to.chunk; chunk++) total += this.#chunks[chunk]!.length
    }
    return total
  }

  *entries(spans: readonly Span[], descending: boolean): Generator<Entry> {
    for (let i = 0; i < spans.length; i++) {
      const { from, to } = spans[descending ? spans.length - 1 - i : i]!
      if (!isBefore(from, to)) continue
      const last = Math.min(to.chunk, this.#chunks.length - 1)
      for (let step = 0; step <= last - from.chunk; step++) {
        const chunk = descending ? last - step : from.chunk + step
        const list = this.#chunks[chunk]!
        const low = chunk === from.chunk ? from.at : 0
        const high = chunk === to.chunk ? to.at : list.length
        if (descending) for (let at = high - 1; at >= low; at--) yield list[at]!
        else for (let at = low; at < high; at++) yield list[at]!
      }
    }
  }

  #entriesOf(document: Document, sign: 1 | -1): Entry[] {
    const keys = keysAt(document, this.path)
    if (keys.length === 1 && !Array.isArray(keys[0])) return [{ key: keys[0]!, id: document._id }]
    this.#irregular += sign
    return sortedUnique(keys).map(key => ({ key, id: document._id }))
  }

  #insert(entry: Entry): void {
    if (this.#chunks.length === 0) {
      this.#chunks.push([entry])
      return
    }
    const { chunk, at } = this.#locate(entry)
    const inside = Math.min(chunk, this.#chunks.length - 1)
    const list = this.#chunks[inside]!
    list.splice(inside === chunk ? at : list.length, 0, entry)
    if (list.length > this.#fullChunk) this.#chunks.splice(inside + 1, 0, list.splice(this.#fullChunk / 2))
  }

  #delete(entry: Entry): void {
    const { chunk, at } = this.#locate(entry)
    const list = this.#chunks[chunk]
    if (!list?.[at] || compareEntries(list[at], entry) !== 0) return
    list.splice(at, 1)
    if (list.length === 0) this.#chunks.splice(chunk, 1)
  }

  /** Where the entry is or belongs. */
  #locate(entry: Entry): Position {
    return this.#firstNot(other => compareEntries(other, entry) < 0)
  }

  /** The first entry with this key, or (`after`) the first with a greater one. */
  #seek(key: Value, after: boolean): Position {
    return this.#firstNot(
      after ? other => compareValues(other.key, key) <= 0 : other => compareValues(other.key, key) < 0,
    )
  }

  #firstNot(isBelow: (entry: Entry) => boolean): Position {
    const chunk = firstNot(this.#chunks, list => isBelow(list[list.length - 1]!))
    const list = this.#chunks[chunk]
    return { chunk, at: list ? firstNot(list, isBelow) : 0 }
  }

  #end(): Position {
    return { chunk: this.#chunks.length, at: 0 }
  }
}

/** How many items at the beginning of an ordered list are below. */
function firstNot<T>(list: readonly T[], isBelow: (item: T) => boolean): number {
  let [low, high] = [0, list.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (isBelow(list[middle]!)) low = middle + 1
    else high = middle
  }
  return low
}

function sortedUnique(values: readonly Value[]): readonly Value[] {
  if (values.length < 2) return values
  const sorted = [...values].sort(compareValues)
  return sorted.filter((value, at) => at === 0 || compareValues(value, sorted[at - 1]!) !== 0)
}

function isBefore(a: Position, b: Position): boolean {
  return a.chunk < b.chunk || (a.chunk === b.chunk && a.at < b.at)
}

function compareEntries(a: Entry, b: Entry): number {
  return compareValues(a.key, b.key) || compareValues(a.id, b.id)
}

const start: Position = { chunk: 0, at: 0 }
