import { hasOwn } from '../paths.ts'
import type { Stamp, Stamps, WriteContext } from '../types.ts'

type Author = Pick<WriteContext, 'base' | 'time'>

/** Was the path, or anything it lies in, assigned by a newer edit that the author had not seen? */
export function isSuperseded(stamps: Stamps, path: string, author: Author): boolean {
  return enclosing(path).some(each => hasOwn(stamps, each) && !beats(author, stamps[each]!))
}

/** Did anyone assign what the path lies in without the author having seen it? */
export function hasUnseenAround(stamps: Stamps, path: string, author: Author): boolean {
  return enclosing(path).some(each => each !== path && hasOwn(stamps, each) && stamps[each]![0] > author.base)
}

/**
 * The stamps after assignments that won (of paths that do not lie in each other), and by path the newer edits inside it
 * that it has to keep.
 */
export function restamp(
  stamps: Stamps,
  won: ReadonlySet<string>,
  context: WriteContext,
): { readonly stamps: Stamps; readonly kept: ReadonlyMap<string, readonly string[]> } {
  const next: { [path: string]: Stamp } = {}
  const kept = new Map<string, string[]>()
  for (const path of Object.keys(stamps)) {
    const outer = enclosing(path).find(each => won.has(each))
    if (outer === path) continue
    if (outer !== undefined) {
      if (beats(context, stamps[path]!)) continue
      const inside = kept.get(outer)
      if (inside) inside.push(path)
      else kept.set(outer, [path])
    }
    next[path] = stamps[path]!
  }
  for (const path of won) next[path] = Object.freeze([context.version, context.time] as const)
  return { stamps: Object.freeze(next), kept }
}

/** Does the author's assignment stand against this one: had it seen it, or is it not older? */
function beats(author: Author, stamp: Stamp): boolean {
  return author.base >= stamp[0] || author.time >= stamp[1]
}

/** The whole document, what the path lies in, and the path itself. */
function enclosing(path: string): readonly string[] {
  const paths = ['']
  for (let end = path.indexOf('.'); end >= 0; end = path.indexOf('.', end + 1)) paths.push(path.slice(0, end))
  if (path !== '') paths.push(path)
  return paths
}
