import type { DocId, Document, Value } from '@nearcloud/protocol'
import { type Constraint, compareValues, equalValues, keysAt } from '@nearcloud/query'
import type { Slot } from './collection.ts'
import { SortedList, type Span, start } from './sorted-list.ts'

export interface Entry {
  /** What the document holds at the path in front, where there is one. */
  readonly group?: Value
  readonly key: Value
  readonly id: DocId
  readonly slot: Slot
}

/**
 * The documents of a collection in the order of what they hold at one path, or within each value of another path (`within`).
 * A document has an entry for each of its keys there (the elements of an array and the array itself), and none where the path
 * reaches nothing.
 */
export class OrderedIndex {
  readonly path: string
  readonly within: string | undefined
  readonly #entries: SortedList<Entry>
  #irregular = 0
  /** The path names a field of the document itself. */
  readonly #isField: boolean
  readonly #areFields: boolean

  constructor(path: string, slots: Iterable<Slot>, fullChunk?: number, within?: string) {
    this.path = path
    this.within = within
    this.#isField = !path.includes('.')
    this.#areFields = this.#isField && !within?.includes('.')
    const all: Entry[] = []
    for (const slot of slots) this.#collect(slot, all)
    const sorted = within === undefined ? sortedEntries(all) : sortedByGroup(all)
    this.#entries = new SortedList(sorted, compareEntries, fullChunk)
  }

  get name(): string {
    return this.within === undefined ? this.path : `${this.within}, ${this.path}`
  }

  /** Every document has exactly one entry, which is what an `orderBy` of this path sorts by. */
  get isOrder(): boolean {
    return this.#irregular === 0
  }

  add(slot: Slot): void {
    for (const entry of this.#entriesOf(slot, 1)) this.#entries.insert(entry)
  }

  /** The slot holds the document it was added with, or one with the same keys. */
  remove(slot: Slot): void {
    for (const entry of this.#entriesOf(slot, -1)) this.#entries.delete(entry)
  }

  /** One may stand for the other here (`false` may mean "not seen"). */
  hasSameKeys(a: Document, b: Document): boolean {
    const { within } = this
    if (within !== undefined && !equalLists(keysAt(a, within), keysAt(b, within))) return false
    if (!this.#isField) return equalLists(keysAt(a, this.path), keysAt(b, this.path))
    return equalValues(fieldOf(a, this.path), fieldOf(b, this.path))
  }

  /** Where documents that satisfy the constraint are, within `group`; all of it for none. */
  spansOf(constraint: Constraint | undefined, group?: Value): readonly Span[] {
    if (constraint?.equals) {
      const values = sortedUnique(constraint.equals)
      return values.map(value => ({
        from: this.#seek(value, false, group),
        to: this.#seek(value, true, group),
      }))
    }
    const { lower, upper } = constraint ?? {}
    const [first, end] = this.#endsOf(group)
    const from = lower ? this.#seek(lower.value, !lower.inclusive, group) : first
    const to = upper ? this.#seek(upper.value, upper.inclusive, group) : end
    if (!lower || !upper || this.isOrder) return [{ from, to }]
    // elements of one array may satisfy one bound each: take the better bound alone
    const [above, below] = [
      { from, to: end },
      { from: first, to },
    ]
    return [this.count([above]) < this.count([below]) ? above : below]
  }

  count(spans: readonly Span[]): number {
    return this.#entries.count(spans)
  }

  entries(spans: readonly Span[], descending: boolean): Iterable<Entry> {
    return this.#entries.items(spans, descending)
  }

  /** Adds the slot's entries to `all`: nearly every document has one, and is not worth a list of its own. */
  #collect(slot: Slot, all: Entry[]): void {
    const { document } = slot
    const { path, within } = this
    const key = fieldOf(document, path)
    const group = within === undefined ? null : fieldOf(document, within)
    if (!this.#areFields || !isScalar(key) || !isScalar(group)) all.push(...this.#entriesOf(slot, 1))
    else if (within === undefined) all.push({ key, id: document._id, slot })
    else all.push({ group, key, id: document._id, slot })
  }

  #entriesOf(slot: Slot, sign: 1 | -1): readonly Entry[] {
    const { within } = this
    if (within === undefined) return this.#keyEntriesOf(slot, sign)
    const groups = keysAt(slot.document, within)
    const entries = this.#keyEntriesOf(slot, sign)
    if (groups.length === 1 && !Array.isArray(groups[0]))
      return entries.map(entry => ({ group: groups[0]!, ...entry }))
    this.#irregular += sign
    return sortedUnique(groups).flatMap(group => entries.map(entry => ({ group, ...entry })))
  }

  #keyEntriesOf(slot: Slot, sign: 1 | -1): readonly Entry[] {
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

  /** The first entry with this key, or (`after`) the first with a greater one. */
  #seek(key: Value, after: boolean, group: Value | undefined) {
    const most = after ? 0 : -1
    if (group === undefined) return this.#entries.seek(other => compareValues(other.key, key) <= most)
    return this.#entries.seek(
      other => (compareValues(other.group!, group) || compareValues(other.key, key)) <= most,
    )
  }

  #endsOf(group: Value | undefined) {
    if (group === undefined) return [start, this.#entries.end()] as const
    return [
      this.#entries.seek(other => compareValues(other.group!, group) < 0),
      this.#entries.seek(other => compareValues(other.group!, group) <= 0),
    ] as const
  }
}

function sortedUnique(values: readonly Value[]): readonly Value[] {
  if (values.length < 2) return values
  const sorted = [...values].sort(compareValues)
  return sorted.filter((value, at) => at === 0 || compareValues(value, sorted[at - 1]!) !== 0)
}

/** By key and id. Ids are sorted key by key, which is much cheaper than comparing entries. */
function sortedEntries(entries: readonly Entry[]): readonly Entry[] {
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

function sortedByGroup(entries: Entry[]): readonly Entry[] {
  const byGroup = new Map<Value, Entry[]>()
  for (const entry of entries) {
    const { group } = entry
    if (typeof group === 'object' && group !== null) return entries.sort(compareEntries)
    if (byGroup.get(group!)?.push(entry) === undefined) byGroup.set(group!, [entry])
  }
  return [...byGroup.keys()].sort(compareValues).flatMap(group => sortedEntries(byGroup.get(group)!))
}

function sortById(entries: Entry[]): readonly Entry[] {
  // the host's order of texts is that of code points as long as there are no surrogates
  const isPlain =
    entries.every(({ id }) => typeof id === 'string') && !surrogate.test(entries.map(({ id }) => id).join(''))
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

function isScalar(value: Value): boolean {
  return typeof value !== 'object' || value === null
}

function compareEntries(a: Entry, b: Entry): number {
  const groups = a.group === undefined ? 0 : compareValues(a.group, b.group!)
  return groups || compareValues(a.key, b.key) || compareValues(a.id, b.id)
}
