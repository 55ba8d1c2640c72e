import { isPlainObject, type Value } from '@nearcloud/protocol'
import type { Lenses } from '../lenses.ts'
import { LensedExecutor } from './lensed-executor.ts'
import { type Lens, readShape } from './read-steps.ts'
import { refuse } from './step.ts'

/**
 * For `init({ lenses })`: by collection, how its documents changed from release to release, the oldest first. What is stored
 * and travels keeps the oldest shape; this app reads and writes the newest.
 *
 * Throws INVALID_PARAM for what is no lens, and for lenses that cannot follow one another.
 */
export function lenses(given: Readonly<Record<string, readonly Lens[]>>): Lenses {
  if (!isPlainObject(given as unknown as Value)) throw refuse('an object, by collection')
  const shapes = new Map(Object.entries(given).map(([name, steps]) => [name, readShape(name, steps)]))
  return Object.freeze({
    over: (stored, host) => new LensedExecutor(stored, shapes, host),
    reading: query => shapes.get(query.collection)?.reading(query).query ?? query,
  } satisfies Lenses)
}
