import { type DocId, type Document, decodeTrusted, type Version } from '@nearcloud/protocol'
import { readStamps, type Stored } from '@nearcloud/query'
import type { StoredRow } from '../engine/engine.ts'
import type { DataType } from './change.ts'

/** A document while commits are decided: decoded, with its text beside it. */
export interface Staged {
  readonly stored: Stored
  readonly text: string
  /** The commit that made it. */
  readonly version: Version
}

/** What a commit does to one document. */
export interface StagedChange {
  readonly collection: string
  readonly id: DocId
  readonly before: Staged | null
  readonly after: Staged | null
  readonly dataType: DataType
}

interface Tried {
  readonly key: string
  readonly collection: string
  readonly id: DocId
  readonly staged: Staged | null
  /** The last write of the commit at hand gave it as a whole. */
  readonly isWhole: boolean
}

/**
 * The documents a group of commits touches: what the engine holds, with what the group has decided so far laid over,
 * and on top what the commit at hand tries. Nothing here reaches the engine by itself.
 */
export class Stage {
  readonly #stored: ReadonlyMap<string, Staged | null>
  readonly #decided = new Map<string, Staged | null>()
  /** Nearly always one. */
  readonly #tried: Tried[] = []
  /** Where they are among them, once they are many. */
  readonly #places = new Map<string, number>()

  /** `stored`: what the engine holds, by `keyOf`; everything that will be asked for. */
  constructor(stored: ReadonlyMap<string, Staged | null>) {
    this.#stored = stored
  }

  /** As the commit at hand sees it. */
  get(collection: string, id: DocId): Staged | null {
    const key = keyOf(collection, id)
    const place = this.#placeOf(key)
    return place < 0 ? this.#before(key) : this.#tried[place]!.staged
  }

  try(collection: string, id: DocId, staged: Staged | null, isWhole: boolean): void {
    const tried = { key: keyOf(collection, id), collection, id, staged, isWhole }
    const place = this.#placeOf(tried.key)
    if (place >= 0) {
      this.#tried[place] = tried
      return
    }
    this.#tried.push(tried)
    if (this.#tried.length > few) this.#places.set(tried.key, this.#tried.length - 1)
  }

  /** What the commit at hand changes, document by document. */
  get changes(): readonly StagedChange[] {
    const [first] = this.#tried
    if (!first) return []
    if (this.#tried.length === 1) {
      const change = this.#changeOf(first)
      return change ? [change] : []
    }
    return this.#tried.flatMap(tried => this.#changeOf(tried) ?? [])
  }

  /** What the commit at hand tried is decided now. */
  accept(): void {
    for (const { key, staged } of this.#tried) this.#decided.set(key, staged)
    this.discard()
  }

  /** What was decided, by `keyOf`. */
  get decided(): Iterable<readonly [key: string, staged: Staged | null]> {
    return this.#decided
  }

  /** Forgets what the commit at hand tried. */
  discard(): void {
    while (this.#tried.length > 0) this.#tried.pop() // its room is kept for the next commit
    if (this.#places.size > 0) this.#places.clear()
  }

  #changeOf({ key, collection, id, staged: after, isWhole }: Tried): StagedChange | undefined {
    const before = this.#before(key)
    if (before === after) return undefined
    const dataType = !before ? 'add' : !after ? 'remove' : isWhole ? 'replace' : 'update'
    return { collection, id, before, after, dataType }
  }

  #placeOf(key: string): number {
    for (let place = 0; place < this.#tried.length && place < few; place++)
      if (this.#tried[place]!.key === key) return place
    return this.#places.size > 0 ? (this.#places.get(key) ?? -1) : -1
  }

  #before(key: string): Staged | null {
    const decided = this.#decided.get(key)
    return decided === undefined ? (this.#stored.get(key) ?? null) : decided
  }
}

/** Tells documents apart: `1` and `'1'` are two. */
export function keyOf(collection: string, id: DocId): string {
  if (id === last.id && collection === last.collection) return last.key
  const key = `${collection}/${typeof id === 'number' ? '#' : '$'}${id}`
  last = { collection, id, key }
  return key
}

/** A document is asked for several times in a row: one text is hashed once. */
let last: { readonly collection: string; readonly id: DocId; readonly key: string } = {
  collection: '',
  id: '',
  key: '/$',
}

/** Looked through one by one: quicker than any table. */
const few = 8

export function unpack(row: StoredRow): Staged {
  const doc = decodeTrusted(row.text) as Document
  return {
    stored: { doc, stamps: readStamps(row.stamps, doc) },
    text: row.text,
    version: row.version,
  }
}
