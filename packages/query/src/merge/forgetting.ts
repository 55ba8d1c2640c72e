import { isPlainObject, type Value } from '@nearcloud/protocol'
import { fieldOf, hasOwn, isContainer, joinPath, valueAt } from '../paths.ts'
import type { Stamps, WriteContext } from '../types.ts'
import { beats, forgotten, isOrder, type OpenStamps } from './stamps.ts'

/*
 * A stamp of a field that is missing says: older edits do not bring it back. Every author whose base is at or above the
 * horizon knows of the stamps at or below it, so for them such a stamp decides nothing; it is folded into one, which is
 * as new as the newest of them. An author from beyond the horizon who does not beat that one may have edited before
 * some removal: what is missing stays missing for them.
 */

/** Folds the stamps of missing fields that are not above the horizon into one. */
export function forgetMissing(stamps: OpenStamps, document: Value, horizon: number | undefined): void {
  if (!horizon) return
  for (const path of Object.keys(stamps)) {
    const [version, time] = stamps[path]!
    if (path === forgotten || path === '' || version > horizon) continue
    if (isOrder(path)) {
      if (!Array.isArray(valueAt(document, path.slice(0, -2)))) delete stamps[path]
      continue
    }
    if (valueAt(document, path) !== undefined) continue
    delete stamps[path]
    const known = hasOwn(stamps, forgotten) ? stamps[forgotten]! : [0, 0]
    stamps[forgotten] = Object.freeze([Math.max(known[0]!, version), Math.max(known[1]!, time)] as const)
  }
}

/** May a later edit of a missing field have been forgotten that this author had not seen? */
export function mayHaveMissed(stamps: Stamps, author: Pick<WriteContext, 'base' | 'time'>): boolean {
  return hasOwn(stamps, forgotten) && !beats(author, stamps[forgotten]!)
}

/**
 * What was missing and is there again around a path that was made may have been removed once: what was forgotten of that is
 * its stamp, since its being missing says so no more.
 */
export function rememberRemovals(
  stamps: OpenStamps,
  before: { readonly doc: Value; readonly stamps: Stamps },
  paths: () => readonly string[],
  read: (path: string) => Value | undefined,
): void {
  if (!hasOwn(before.stamps, forgotten)) return
  for (const path of paths())
    if (!hasOwn(stamps, path) && valueAt(before.doc, path) === undefined && read(path) !== undefined)
      stamps[path] = before.stamps[forgotten]!
}

/** The value without fields that are missing in `old`; they are named in `left`. */
export function withoutMissing(value: Value, old: Value | undefined, path: string, left: string[]): Value {
  if (!isPlainObject(value) || !isContainer(old)) return value
  const fields: { [key: string]: Value } = {}
  for (const key of Object.keys(value)) {
    const known = fieldOf(old, key)
    const place = joinPath(path, key)
    if (known === undefined) left.push(place)
    else fields[key] = withoutMissing(value[key]!, known, place, left)
  }
  return Object.freeze(fields)
}
