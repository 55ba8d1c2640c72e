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
  readonly #tried = new Map<string, Tried>()

  /** `stored`: what the engine holds, by `keyOf`; everything that will be asked for. */
  constructor(stored: ReadonlyMap<string, Staged | null>) {
    this.#stored = stored
  }

  /** As the commit at hand sees it. */
  get(collection: string, id: DocId): Staged | null {
    const key = keyOf(collection, id)
    const tried = this.#tried.get(key)
    return tried ? tried.staged : this.#before(key)
  }

  try(collection: string, id: DocId, staged: Staged | null, isWhole: boolean): void {
    this.#tried.set(keyOf(collection, id), { collection, id, staged, isWhole })
  }

  /** What the commit at hand changes, document by document. */
  get changes(): readonly StagedChange[] {
    const changes: StagedChange[] = []
    for (const [key, { collection, id, staged: after, isWhole }] of this.#tried) {
      const before = this.#before(key)
      if (before === after) continue
      const dataType = !before ? 'add' : !after ? 'remove' : isWhole ? 'replace' : 'update'
      changes.push({ collection, id, before, after, dataType })
    }
    return changes
  }

  /** What the commit at hand tried is decided now. */
  accept(): void {
    for (const [key, { staged }] of this.#tried) this.#decided.set(key, staged)
    this.#tried.clear()
  }

  /** What was decided, by `keyOf`. */
  get decided(): Iterable<readonly [key: string, staged: Staged | null]> {
    return this.#decided
  }

  /** Forgets what the commit at hand tried. */
  discard(): void {
    this.#tried.clear()
  }

  #before(key: string): Staged | null {
    const decided = this.#decided.get(key)
    return decided === undefined ? (this.#stored.get(key) ?? null) : decided
  }
}

/** Tells documents apart: `1` and `'1'` are two. */
export function keyOf(collection: string, id: DocId): string {
  return `${collection}/${typeof id === 'number' ? '#' : '$'}${id}`
}

export function unpack(row: StoredRow): Staged {
  const doc = decodeTrusted(row.text) as Document
  return {
    stored: { doc, stamps: readStamps(row.stamps, doc) },
    text: row.text,
    version: row.version,
  }
}
