import type { Version } from '@nearcloud/protocol'
import type { Opening } from '../engine/engine.ts'
import { kinshipOf } from '../session/kinship.ts'
import { isTree } from './shape.ts'

/**
 * How far a replica is. It keeps this for us and reads nothing in it; RxDB lays checkpoints over each other, so every field is
 * always there.
 */
export interface Checkpoint {
  /** What the copy was made under. */
  readonly view: string
  /** The opening of the history in which it was said. */
  readonly epoch: string
  /** Everything up to this commit was told; with `after`: of documents up to that `_id`. */
  readonly version: Version
  /** The first copy is being made: behind this `_id` it goes on. '' at its beginning, null when it is whole. */
  readonly after: string | null
}

/** Undefined for what is none, or of another view or history: the copy is made anew. */
export function resumable(
  said: unknown,
  {
    view,
    openings,
    head,
  }: { readonly view: string; readonly openings: readonly Opening[]; readonly head: Version },
): Checkpoint | undefined {
  if (!isTree(said)) return undefined
  const { view: theirs, epoch, version, after } = said as { readonly [name: string]: unknown }
  if (theirs !== view || typeof epoch !== 'string') return undefined
  if (!Number.isSafeInteger(version) || (version as number) < 0) return undefined
  if (after !== null && typeof after !== 'string') return undefined
  const opening = openings.find(each => each.epoch === epoch)
  if (!opening) return undefined
  const asked = { epoch, version: version as Version, lineage: [[epoch, opening.start] as [string, number]] }
  return kinshipOf(openings, head, asked).isWhole
    ? { view, epoch, version: version as Version, after }
    : undefined
}
