import type { Version } from '@nearcloud/protocol'
import type { Opening } from '../engine/engine.ts'
import { kinshipOf } from '../session/kinship.ts'
import { isTree } from './shape.ts'

/**
 * How far a replica is. It keeps this for us and reads nothing in it; RxDB lays checkpoints over each other, so every field is
 * always there.
 */
export interface Checkpoint {
  /** What the copy was made under; `staleView`: something else than what holds now. */
  readonly view: string
  /** The opening of the history in which it was said. */
  readonly epoch: string
  /** Everything up to this commit was told; with `after`: of documents up to that `_id`. */
  readonly version: Version
  /** A copy is being made: behind this `_id` it goes on. '' at its beginning, null when it is whole. */
  readonly after: string | null
}

/** No view is called so. */
export const staleView = ''

/** Undefined for what is none, or of another history, of which it is not known how far the replica is. */
export function readCheckpoint(
  said: unknown,
  { openings, head }: { readonly openings: readonly Opening[]; readonly head: Version },
): Checkpoint | undefined {
  if (!isTree(said)) return undefined
  const { view, epoch, version, after } = said as { readonly [name: string]: unknown }
  if (typeof view !== 'string' || typeof epoch !== 'string') return undefined
  if (!Number.isSafeInteger(version) || (version as number) < 0) return undefined
  if (after !== null && typeof after !== 'string') return undefined
  const opening = openings.find(each => each.epoch === epoch)
  if (!opening) return undefined
  const asked = { epoch, version: version as Version, lineage: [[epoch, opening.start] as [string, number]] }
  if (!kinshipOf(openings, head, asked).isWhole) return undefined
  return { view, epoch, version: version as Version, after }
}
