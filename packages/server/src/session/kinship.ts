import type { UpOf, Version } from '@nearcloud/protocol'
import type { Opening } from '../engine/engine.ts'

/** How much of the history a client's copy was made by is this one. */
export interface Kinship {
  /** Versions up to it are the same in both. */
  readonly common: Version
  /** The copy has nothing but those. */
  readonly isWhole: boolean
}

/**
 * Two histories that went through an opening of the same name are one up to where either of them left it: names are
 * random and durable before they are told, so that a database that was set back, in whatever way, goes on under a name that
 * nobody who is ahead of it has heard.
 *
 * Clients before protocol 4 tell one name only, whichever opening they met first: for them the head has to do.
 */
export function kinshipOf(
  openings: readonly Opening[],
  head: Version,
  { epoch, version, lineage }: Pick<UpOf<'hello'>, 'epoch' | 'version' | 'lineage'>,
): Kinship {
  const theirs =
    lineage ?? (epoch !== undefined && openings.some(each => each.epoch === epoch) ? undefined : [])
  if (!theirs) return version <= head ? { common: version, isWhole: true } : nothing
  const starts = new Map(openings.map((each, at) => [each.epoch, at]))
  for (let at = theirs.length - 1; at >= 0; at--) {
    const [name, start] = theirs[at]!
    const ours = starts.get(name)
    if (ours === undefined || openings[ours]!.start !== start) continue
    const common = Math.min(theirs[at + 1]?.[1] ?? version, openings[ours + 1]?.start ?? head, version)
    return { common, isWhole: common === version }
  }
  return nothing
}

const nothing: Kinship = { common: 0, isWhole: false }
