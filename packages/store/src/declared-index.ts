import { CloudError, type Document, hasOwn, type Value } from '@nearcloud/protocol'
import { compareValues, equalValues, type IndexDefinition, type Query } from '@nearcloud/query'
import {
  compileIndexKeys,
  type IndexKeys,
  type KeyRange,
  parseIndex,
  planIndex,
} from '@nearcloud/query/indexes'
import type { Collection, Slot } from './collection.ts'
import type { Entry } from './ordered-index.ts'
import type { Offer } from './planner.ts'
import type { SortedList, Span } from './sorted-list.ts'

/** An index the app asked for: the keys of documents, as `compileIndexKeys` makes them, in order. */
export class DeclaredIndex {
  readonly definition: IndexDefinition
  readonly #keysOf: (document: Document) => IndexKeys
  readonly #entries: SortedList<Entry>
  /** How many documents are multikey at a path. */
  readonly #multikey = new Map<string, number>()
  /** Documents with more keys than an index takes: they may match whatever is asked. */
  readonly #overfull = new Set<Slot>()

  constructor(definition: IndexDefinition, slots: Iterable<Slot>, List: typeof SortedList) {
    this.definition = definition
    this.#keysOf = compileIndexKeys(definition)
    const entries: Entry[] = []
    for (const slot of slots) entries.push(...this.#entriesOf(slot, 1))
    this.#entries = new List(entries.sort(compareEntries), compareEntries)
  }

  get name(): string {
    return this.definition.name
  }

  /** Places at this path are found by where they are. */
  hasPlaces(path: string): boolean {
    return this.definition.keys.some(([each, kind]) => each === path && kind === '2dsphere')
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
    if (this.definition.keys.every(([path]) => rootOf(a, path) === rootOf(b, path))) return true
    const [before, after] = [this.#read(a), this.#read(b)]
    if (!before || !after) return before === after
    return isSameList(before.keys, after.keys) && isSameList(before.multikeyPaths, after.multikeyPaths)
  }

  /** None where it is of no use to the query. */
  offersFor(query: Query): readonly Offer[] {
    const multikey = new Set(this.#multikey.keys())
    const plan = planIndex(this.definition, multikey, query)
    if (!plan) return []
    const { ranges, equalities, hasBound, order } = plan
    const used = this.definition.keys.slice(0, equalities + (hasBound ? 1 : 0))
    const walk = this.#overfull.size === 0 ? order : undefined
    const spans = ranges.map(range => this.#spanOf(range))
    return [{ index: this, spans, paths: used.map(([path]) => path), walk }]
  }

  count(spans: readonly Span[]): number {
    return this.#entries.count(spans) + this.#overfull.size
  }

  *entries(spans: readonly Span[], descending: boolean): Iterable<Entry> {
    for (const slot of this.#overfull) yield { key: '', id: slot.document._id, slot }
    yield* this.#entries.items(spans, descending)
  }

  #entriesOf(slot: Slot, sign: 1 | -1): readonly Entry[] {
    const found = this.#read(slot.document)
    if (!found) {
      if (sign > 0) this.#overfull.add(slot)
      else this.#overfull.delete(slot)
      return []
    }
    for (const path of found.multikeyPaths) {
      const count = (this.#multikey.get(path) ?? 0) + sign
      if (count > 0) this.#multikey.set(path, count)
      else this.#multikey.delete(path)
    }
    const id = slot.document._id
    return found.keys.map(key => ({ key, id, slot }))
  }

  /** Nothing for a document with too many keys. */
  #read(document: Document): IndexKeys | undefined {
    try {
      return this.#keysOf(document)
    } catch {
      return undefined
    }
  }

  #spanOf({ from, to }: KeyRange): Span {
    return {
      from: this.#entries.seek(({ key }) => (key as string) < from),
      to: to === undefined ? this.#entries.end() : this.#entries.seek(({ key }) => (key as string) < to),
    }
  }
}

/** The same again is nothing. Throws INVALID_PARAM for what is no index here, another of that name, or one too many. */
export function declare(collection: Collection, given: IndexDefinition, List: typeof SortedList): void {
  const definition = checkLocalIndex(given)
  const { name } = definition
  const { declared } = collection
  const known = declared.get(name)?.definition
  if (known && isSame(known, definition)) return
  if (known) throw refuse(`there is another index "${name}": drop it first`)
  if (declared.size >= mostDeclared)
    throw refuse(`a collection has at most ${mostDeclared} indexes here: drop one first`)
  declared.set(name, new DeclaredIndex(definition, collection.slots(), List))
}

/** Throws INVALID_PARAM for what is no index, and for what only one who has all documents can keep. */
function checkLocalIndex(given: IndexDefinition): IndexDefinition {
  const definition = parseIndex(given)
  const { name, unique, expireAfterSeconds } = definition
  const wish = unique ? 'unique' : expireAfterSeconds === undefined ? undefined : 'expireAfterSeconds'
  if (wish === undefined) return definition
  throw refuse(
    `index "${name}": "${wish}" is the server's to keep: create it in a cloud function or on the server`,
  )
}

function refuse(errMsg: string): CloudError {
  return new CloudError('INVALID_PARAM', { errMsg })
}

function isSame(a: IndexDefinition, b: IndexDefinition): boolean {
  return equalValues(a.keys as readonly Value[], b.keys as readonly Value[])
}

const mostDeclared = 64

/** Values that are not touched are shared between versions of a document. */
function rootOf(document: Document, path: string): unknown {
  const dot = path.indexOf('.')
  const name = dot < 0 ? path : path.slice(0, dot)
  return hasOwn(document, name) ? document[name] : undefined
}

function isSameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((each, at) => each === b[at])
}

function compareEntries(a: Entry, b: Entry): number {
  if (a.key === b.key) return compareValues(a.id, b.id)
  return (a.key as string) < (b.key as string) ? -1 : 1
}
