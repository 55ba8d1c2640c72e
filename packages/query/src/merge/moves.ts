import type { Value } from '@nearcloud/protocol'
import { fieldOf, indexOf, joinPath, segmentsOf, valueAt } from '../paths.ts'
import type { WriteContext } from '../types.ts'
import { areOthers, identityOf, isNamed } from './elements.ts'
import { type OpenStamps, orderOf, stampOf } from './stamps.ts'

/**
 * Stamps follow their elements when an operation made `after` of the list at `path`; those of elements that are gone, go.
 * That elements moved is stamped too: an index written before has to look for its element. A list that only grew at its
 * end has moved nothing.
 */
export function followElements(
  stamps: OpenStamps,
  path: string,
  { before, after }: { readonly before: Value | undefined; readonly after: Value | undefined },
  context: WriteContext,
): void {
  if (!Array.isArray(before)) return
  const old = before as readonly Value[]
  const list = Array.isArray(after) ? (after as readonly Value[]) : []
  if (old.every((element, index) => index < list.length && Object.is(element, list[index]))) return
  const inside = Object.keys(stamps).filter(each => each.startsWith(`${path}.`) && each !== orderOf(path))
  if (inside.length > 0) {
    const placeByIndex = placesIn(old, list)
    relocate(stamps, inside, each => {
      const [index, ...rest] = segmentsOf(each.slice(path.length + 1))
      const place = placeByIndex.get(Number(index))
      return place === undefined ? undefined : [path, place, ...rest].join('.')
    })
  }
  stamps[orderOf(path)] = stampOf(context)
}

/** Gives stamps other paths, all at once; undefined: there is nothing any more that they are of. */
export function relocate(
  stamps: OpenStamps,
  paths: readonly string[],
  placeOf: (path: string) => string | undefined,
): void {
  const moved = paths.map(path => [placeOf(path), stamps[path]!] as const)
  for (const path of paths) delete stamps[path]
  for (const [place, stamp] of moved) if (place !== undefined) stamps[place] = stamp
}

/**
 * Where a newer edit at `inner` is kept when `value` replaces what it lies in, at `outer`: named elements are found by their
 * name. Undefined when its element is not in `value`.
 */
export function placeInside(
  document: Value,
  outer: string,
  value: Value | undefined,
  inner: string,
): string | undefined {
  let old = valueAt(document, outer)
  if (isElement(document, outer) && areOthers(old, value)) return undefined
  let fresh = value
  let place = outer
  for (const segment of segmentsOf(outer === '' ? inner : inner.slice(outer.length + 1))) {
    let next = segment
    if (Array.isArray(old) && Array.isArray(fresh)) {
      const index = indexNow(old as readonly Value[], fresh as readonly Value[], indexOf(segment))
      if (index === undefined) return undefined
      next = String(index)
    }
    old = fieldOf(old, segment)
    fresh = fieldOf(fresh, next)
    place = joinPath(place, next)
  }
  return place
}

function indexNow(old: readonly Value[], fresh: readonly Value[], index: number): number | undefined {
  const identity = identityOf(old[index])
  if (!identity) return index < fresh.length ? index : undefined
  if (isNamed(fresh[index], identity)) return index
  const found = fresh.findIndex(element => isNamed(element, identity))
  return found < 0 ? undefined : found
}

function isElement(document: Value, path: string): boolean {
  const end = path.lastIndexOf('.')
  return end > 0 && Array.isArray(valueAt(document, path.slice(0, end)))
}

/** By index in `old`, the index of the same element in `list`. */
function placesIn(old: readonly Value[], list: readonly Value[]): ReadonlyMap<number, number> {
  const indexesByElement = new Map<Value, number[]>()
  for (let index = list.length - 1; index >= 0; index--) {
    const same = indexesByElement.get(list[index]!)
    if (same) same.push(index)
    else indexesByElement.set(list[index]!, [index])
  }
  const places = new Map<number, number>()
  for (const [index, element] of old.entries()) {
    const place = indexesByElement.get(element)?.pop()
    if (place !== undefined) places.set(index, place)
  }
  return places
}
