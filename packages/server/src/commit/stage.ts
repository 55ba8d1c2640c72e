import { type DocId, type Document, decodeTrusted } from '@nearcloud/protocol'
import type { Stored } from '@nearcloud/query'
import type { StoredRow } from '../engine/engine.ts'

/** A document while commits are decided: decoded, with its text beside it. */
export interface Staged {
  readonly stored: Stored
  readonly text: string
}

/**
 * The documents a group of commits touches: what the engine holds, with what the group has decided so far laid over,
 * and on top what the commit at hand tries. Nothing here reaches the engine by itself.
 */
export class Stage {
  readonly #decided = new Map<string, Staged | null>()
  readonly #tried = new Map<string, { collection: string; id: DocId; staged: Staged | null }>()

  /** Tells what the engine holds; asked for before the group is decided. */
  load(collection: string, id: DocId, row: StoredRow | null): void {
    this.#decided.set(keyOf(collection, id), row && unpack(row))
  }

  has(collection: string, id: DocId): boolean {
    return this.#decided.has(keyOf(collection, id))
  }

  /** As the commit at hand sees it. */
  get(collection: string, id: DocId): Staged | null {
    const key = keyOf(collection, id)
    return (this.#tried.get(key) ?? { staged: this.#decided.get(key) ?? null }).staged
  }

  try(collection: string, id: DocId, staged: Staged | null): void {
    this.#tried.set(keyOf(collection, id), { collection, id, staged })
  }

  /** What the commit at hand changed, document by document: the state before it and after it. It is decided now. */
  accept(): readonly { collection: string; id: DocId; before: Staged | null; after: Staged | null }[] {
    const changed = []
    for (const [key, { collection, id, staged }] of this.#tried) {
      const before = this.#decided.get(key) ?? null
      if (before === staged) continue
      changed.push({ collection, id, before, after: staged })
      this.#decided.set(key, staged)
    }
    this.#tried.clear()
    return changed
  }

  /** Forgets what the commit at hand tried. */
  discard(): void {
    this.#tried.clear()
  }
}

/** Tells documents apart: `1` and `'1'` are two. */
export function keyOf(collection: string, id: DocId): string {
  return `${collection}/${typeof id === 'number' ? '#' : '$'}${id}`
}

function unpack(row: StoredRow): Staged {
  return {
    stored: { doc: decodeTrusted(row.text) as Document, stamps: JSON.parse(row.stamps) as Stored['stamps'] },
    text: row.text,
  }
}
