import type { DocId, Document, Value } from '@nearcloud/protocol'
import { type Constraint, compareValues, equalValues, keysAt } from '@nearcloud/query'
import type { Slot } from './collection.ts'

export interface Entry {
  readonly key: Value
  readonly id: DocId
  readonly slot: Slot
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
  /** The path names a field of the document itself. */
  readonly #isField: boolean

  constructor(path: string, slots: Iterable<Slot>, fullChunk = 512) {
    this.path = path
    this.#fullChunk = fullChunk
    this.#isField = !path.includes('.')
    const entries = sortedEntries(this.#allEntries(slots))
    for (let at = 0; at < entries.length; at += fullChunk / 2)
      this.#chunks.push(entries.slice(at, at + fullChunk / 2))
  }

  /** Every document has exactly one entry, which is what an `orderBy` of this path sorts by. */
  get isOrder(): boolean {
    return this.#irregular === 0
  }

  add(slot: Slot): void {
    for (const entry of this.#entriesOf(slot, 1)) this.#insert(entry)
  }

  /** The slot holds the document it was added with, or one with the same keys. */
  remove(slot: Slot): void {
    for (const entry of this.#entriesOf(slot, -1)) this.#delete(entry)
  }

  /** One may stand for the other here (`false` may mean "not seen"). */
  hasSameKeys(a: Document, b: Document): boolean {
    if (!this.#isField) return equalLists(keysAt(a, this.path), keysAt(b, this.path))
    return equalValues(fieldOf(a, this.path), fieldOf(b, this.path))
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

  *#allEntries(slots: Iterable<Slot>): Generator<Entry> {
    for (const slot of slots) yield* this.#entriesOf(slot, 1)
  }

  #entriesOf(slot: Slot, sign: 1 | -1): readonly Entry[] {
    const { document } = slot
    const id = document._id
    if (this.#isField) {
      const key = fieldOf(document, this.path)
      if (!Array.isArray(key)) return [{ key, id, slot }]
    }
    const keys = keysAt(document, this.path)
    if (keys.length === 1 && !Array.isArray(keys[0])) return [{ key: keys[0]!, id, slot }]
    this.#irregular += sign
    return sortedUnique(keys).map(key => ({ key, id, slot }))
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

/** By key and id. Ids are sorted key by key, which is much cheaper than comparing entries. */
function sortedEntries(entries: Iterable<Entry>): readonly Entry[] {
  const byScalar = new Map<Value, Entry[]>()
  const others: Entry[] = []
  for (const entry of entries) {
    const { key } = entry
    if (typeof key === 'object' && key !== null) others.push(entry)
    else if (byScalar.get(key)?.push(entry) === undefined) byScalar.set(key, [entry])
  }
  const sorted = [...byScalar.keys()].sort(compareValues).flatMap(key => sortById(byScalar.get(key)!))
  return others.length === 0 ? sorted : [...sorted, ...others].sort(compareEntries)
}

function sortById(entries: Entry[]): readonly Entry[] {
  // the host's order of texts is that of code points as long as there are no surrogates
  const isPlain = entries.every(({ id }) => typeof id === 'string' && !surrogate.test(id))
  return isPlain
    ? entries.sort((a, b) => (a.id < b.id ? -1 : 1))
    : entries.sort((a, b) => compareValues(a.id, b.id))
}

function fieldOf(document: Document, name: string): Value {
  return hasOwn.call(document, name) ? document[name]! : null
}

function equalLists(a: readonly Value[], b: readonly Value[]): boolean {
  return a.length === b.length && a.every((value, at) => equalValues(value, b[at]))
}

const hasOwn = Object.prototype.hasOwnProperty
const surrogate = /[\ud800-\udfff]/

function isBefore(a: Position, b: Position): boolean {
  return a.chunk < b.chunk || (a.chunk === b.chunk && a.at < b.at)
}

function compareEntries(a: Entry, b: Entry): number {
  return compareValues(a.key, b.key) || compareValues(a.id, b.id)
}

const start: Position = { chunk: 0, at: 0 }
