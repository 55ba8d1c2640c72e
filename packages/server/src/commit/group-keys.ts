import type { DocId, Document } from '@nearcloud/protocol'
import { equalValues } from '@nearcloud/query'
import type { KeyChange } from '../engine/engine.ts'
import { duplicateKey, type Holders, obstacle } from '../indexes/holders.ts'
import { type Indexes, multikeyState } from '../indexes/indexes.ts'
import type { OpenIndex } from '../indexes/open-index.ts'
import type { KeysByIndex, Loaded } from './loaded.ts'
import type { StagedChange } from './stage.ts'

/** What a change of a document does to its keys in one index. */
interface Rekeyed {
  readonly index: OpenIndex
  readonly id: DocId
  readonly after: Document | null
  readonly before: readonly string[]
  readonly keys: readonly string[]
  readonly multikeyPaths: readonly string[]
}

/**
 * The keys of a group's documents in the indexes of their collections, and who holds which key of the unique ones, as
 * decided so far. It never waits: a key of which nothing is known is taken for free and named in `unknown`; if it is not,
 * the group has to be decided again, knowing it.
 */
export class GroupKeys {
  readonly changes: KeyChange[] = []
  /** Durable strings that go with the changes. */
  readonly state = new Map<string, string>()
  readonly #indexes: Indexes
  readonly #loaded: Loaded
  readonly #unknown = new Map<OpenIndex, Set<string>>()
  /** Holders of keys that changed in this group, by index and key. */
  readonly #decided = new Map<OpenIndex, Map<string, Map<DocId, Document>>>()

  constructor(indexes: Indexes, loaded: Loaded) {
    this.#indexes = indexes
    this.#loaded = loaded
  }

  get unknown(): KeysByIndex {
    return this.#unknown
  }

  /**
   * What these changes, made at once, do to the keys; `accept` takes it over. Throws DATABASE_REQUEST_FAILED when a
   * unique key is another document's, or a document has too many keys.
   */
  rekey(changed: readonly StagedChange[]): readonly Rekeyed[] {
    const rekeyed: Rekeyed[] = []
    for (const { collection, id, before, after } of changed)
      for (const index of this.#indexes.of(collection)) {
        const [old, fresh] = [before?.stored.doc ?? null, after?.stored.doc ?? null]
        if (old && fresh && index.fields.every(field => isSameField(old, fresh, field))) continue
        const { keys, multikeyPaths } = fresh ? index.keysOf(fresh) : nothing
        rekeyed.push({ index, id, after: fresh, before: keysBefore(index, old), keys, multikeyPaths })
      }
    if (rekeyed.length > 0) this.#checkUnique(rekeyed.filter(({ index }) => index.definition.unique))
    return rekeyed
  }

  accept(rekeyed: readonly Rekeyed[]): void {
    if (rekeyed.length === 0) return
    for (const { index, id, before, keys, multikeyPaths } of rekeyed) {
      const [old, fresh] = [new Set(before), new Set(keys)]
      const [removed, added] = [before.filter(key => !fresh.has(key)), keys.filter(key => !old.has(key))]
      if (removed.length + added.length > 0) this.changes.push({ index: index.number, id, removed, added })
      if (multikeyPaths.length === 0) continue
      // before anything can be read that has several keys
      for (const path of multikeyPaths) index.multikey.add(path)
      this.state.set(multikeyState(index.number), JSON.stringify([...index.multikey]))
    }
    const unique = rekeyed.filter(({ index }) => index.definition.unique)
    for (const { index, id, before } of unique) for (const key of before) this.#own(index, key).delete(id)
    for (const { index, id, after, keys } of unique)
      for (const key of keys) this.#own(index, key).set(id, after!)
  }

  /** Documents that change together may take each other's keys, but not the same one. */
  #checkUnique(rekeyed: readonly Rekeyed[]): void {
    const taken = new Map<OpenIndex, Map<string, Map<DocId, Document>>>()
    const moving = new Map<OpenIndex, Set<DocId>>()
    for (const { index, id } of rekeyed) entryOf(moving, index, () => new Set<DocId>()).add(id)
    for (const { index, id, after, keys } of rekeyed)
      for (const key of keys) {
        const others = new Map(this.#holders(index, key))
        for (const other of moving.get(index)!) others.delete(other)
        const fellows = entryOf(entryOf(taken, index, newMap), key, newMap) as Map<DocId, Document>
        if (obstacle(index, others, after!) !== undefined || obstacle(index, fellows, after!) !== undefined)
          throw duplicateKey(index)
        fellows.set(id, after!)
      }
  }

  #holders(index: OpenIndex, key: string): Holders {
    const loaded = this.#loaded.holders.get(index.number)?.get(key)
    if (!loaded) entryOf(this.#unknown, index, () => new Set<string>()).add(key)
    return this.#decided.get(index)?.get(key) ?? loaded ?? nobody
  }

  /** Who holds the key, to be changed. */
  #own(index: OpenIndex, key: string): Map<DocId, Document> {
    const decided = entryOf(this.#decided, index, newMap) as Map<string, Map<DocId, Document>>
    return entryOf(decided, key, () => new Map(this.#loaded.holders.get(index.number)?.get(key)))
  }
}

/** Of a document that was stored. One that has too many keys was there before the index, and is not in it. */
function keysBefore(index: OpenIndex, document: Document | null): readonly string[] {
  if (!document) return []
  try {
    return index.keysOf(document).keys
  } catch (thrown) {
    if (index.isBuilding) return []
    throw thrown
  }
}

function isSameField(a: Document, b: Document, field: string): boolean {
  if (Object.hasOwn(a, field) !== Object.hasOwn(b, field)) return false
  return !Object.hasOwn(a, field) || equalValues(a[field], b[field])
}

function entryOf<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key)
  if (known !== undefined) return known
  const made = make()
  map.set(key, made)
  return made
}

const newMap = () => new Map()
const nothing = { keys: [], multikeyPaths: [] }
const nobody: Holders = new Map()
