import { hasOwn, joinPath } from '../paths.ts'
import type { Stamp, Stamps, WriteContext } from '../types.ts'

type Author = Pick<WriteContext, 'base' | 'time'>

/** Stamps being written. */
export type OpenStamps = { [path: string]: Stamp }

/** Was the path, or anything it lies in, assigned by a newer edit that the author had not seen? */
export function isSuperseded(stamps: Stamps, path: string, author: Author): boolean {
  return enclosing(path, each => hasOwn(stamps, each) && !beats(author, stamps[each]!)) !== undefined
}

/** Has this very stamp been set without the author having seen it? */
export function isUnseen(stamps: Stamps, path: string, author: Author): boolean {
  return hasOwn(stamps, path) && stamps[path]![0] > author.base
}

/** Did anyone assign the path or what it lies in without the author having seen it? */
export function isUnseenAround(stamps: Stamps, path: string, author: Author): boolean {
  return enclosing(path, each => isUnseen(stamps, each, author)) !== undefined
}

/** Did anyone assign what the path lies in without the author having seen it? */
export function hasUnseenAround(stamps: Stamps, path: string, author: Author): boolean {
  return enclosing(path, each => each !== path && isUnseen(stamps, each, author)) !== undefined
}

/**
 * The stamps after assignments that won (of paths that do not lie in each other), and by path the newer edits inside it
 * that it has to keep.
 */
export function restamp(
  stamps: Stamps,
  won: ReadonlySet<string>,
  context: WriteContext,
): { readonly stamps: OpenStamps; readonly kept: ReadonlyMap<string, readonly string[]> } {
  const next: OpenStamps = {}
  let kept: Map<string, string[]> | undefined
  const isWon = (path: string) => won.has(path)
  for (const path of Object.keys(stamps)) {
    const outer = path === forgotten ? undefined : enclosing(path, isWon)
    if (outer === path) continue
    if (outer !== undefined) {
      // the order of a list's elements is of the list that was replaced
      if (isOrder(path) || beats(context, stamps[path]!)) continue
      kept ??= new Map()
      const inside = kept.get(outer)
      if (inside) inside.push(path)
      else kept.set(outer, [path])
    }
    next[path] = stamps[path]!
  }
  const stamp = stampOf(context)
  for (const path of won) next[path] = stamp
  return { stamps: next, kept: kept ?? nothingKept }
}

const nothingKept: ReadonlyMap<string, readonly string[]> = new Map()

/** Does the author's assignment stand against this one: had it seen it, or is it not older? */
export function beats(author: Author, stamp: Stamp): boolean {
  return author.base >= stamp[0] || author.time >= stamp[1]
}

export function stampOf({ version, time }: WriteContext): Stamp {
  return Object.freeze([version, time] as const)
}

/** Where it is stamped that elements of a list are not where they were. No path has a part that begins with `$`. */
export function orderOf(path: string): string {
  return joinPath(path, '$')
}

export function isOrder(path: string): boolean {
  return path.endsWith('.$')
}

/** Where the stamps of missing fields are, once they were collected: one as new as the newest of them. */
export const forgotten = '$'

/** The outermost that is wanted of the whole document, what the path lies in, and the path itself. */
function enclosing(path: string, isWanted: (path: string) => boolean): string | undefined {
  if (isWanted('')) return ''
  for (let end = path.indexOf('.'); end >= 0; end = path.indexOf('.', end + 1)) {
    const outer = path.slice(0, end)
    if (isWanted(outer)) return outer
  }
  return path !== '' && isWanted(path) ? path : undefined
}
