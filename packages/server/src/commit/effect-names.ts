import { createHash } from 'node:crypto'
import type { Write } from '@nearcloud/protocol'

/**
 * Names what a function does for one event, so that it is done once when the event is brought again: the same kind of
 * effect, the nth of its kind, has the same name in each run. Values are no part of it, since the time of day, say, is in them.
 */
export class EffectNames {
  readonly #event: string
  readonly #counts = new Map<string, number>()

  /** `event`: its name, once for all. */
  constructor(event: string) {
    this.#event = event
  }

  /** The name of the next effect of this kind. */
  next(kind: string): string {
    const count = this.#counts.get(kind) ?? 0
    this.#counts.set(kind, count + 1)
    return `${this.#event}/${kind}-${count}`
  }

  nextOfWrites(writes: readonly Write[]): string {
    return this.next(shortened(writes.map(kindOf)))
  }

  nextOfChange(collection: string, change: readonly (readonly unknown[])[] | 'remove'): string {
    return this.next(shortened(['change', collection, change === 'remove' ? change : pathsOf(change)]))
  }
}

/** A document that is added may have another id each time. */
function kindOf(write: Write): readonly unknown[] {
  const { op, collection, id } = write
  if (op === 'add') return [op, collection]
  return op === 'update' ? [op, collection, id, pathsOf(write.changes)] : [op, collection, id]
}

function pathsOf(changes: readonly (readonly unknown[])[]): readonly unknown[] {
  return changes.map(([path, operator]) => [path, operator])
}

function shortened(kind: unknown): string {
  return createHash('sha256').update(JSON.stringify(kind)).digest('hex').slice(0, 32)
}
