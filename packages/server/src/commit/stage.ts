import { type DocId, type Document, decodeTrusted, type Version } from '@nearcloud/protocol'
import { readStamps, type Stored } from '@nearcloud/query'
import type { StoredRow } from '../engine/engine.ts'

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
}

/**
 * The documents a group of commits touches: what the engine holds, with what the group has decided so far laid over,
 * and on top what the commit at hand tries. Nothing here reaches the engine by itself.
 */
export class Stage {
  readonly #stored: ReadonlyMap<string, Staged | null>
  readonly #decided = new Map<string, Staged | null>()
  readonly #tried = new Map<string, { collection: string; id: DocId; staged: Staged | null }>()

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

  try(collection: string, id: DocId, staged: Staged | null): void {
    this.#tried.set(keyOf(collection, id), { collection, id, staged })
  }

  /** What the commit at hand changes, document by document. */
  get changes(): readonly StagedChange[] {
    const changes: StagedChange[] = []
    for (const [key, { collection, id, staged }] of this.#tried) {
      const before = this.#before(key)
      if (before !== staged) changes.push({ collection, id, before, after: staged })
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
  return {
    stored: { doc: decodeTrusted(row.text) as Document, stamps: readStamps(row.stamps) },
    text: row.text,
    version: row.version,
  }
}
