import { type Arc, areNear, crossingOf, isOnArc } from './arc.ts'
import type { Part, Polygon } from './shapes.ts'
import { isSame, type Vector } from './sphere.ts'

/** Do any two parts have a point in common? */
export function intersects(some: readonly Part[], others: readonly Part[]): boolean {
  return some.some(one => others.some(other => meet(one, other)))
}

/** Is the point within the polygon or on one of its borders? */
export function covers(polygon: Polygon, point: Vector): boolean {
  return polygon.arcs.some(arc => isOnArc(point, arc)) || isInside(polygon, point)
}

/** Is the point inside, by the number of borders between it and the far end of the map? (On a border: either answer.) */
export function isInside({ plane, rings }: Polygon, point: Vector): boolean {
  const here = plane?.(point)
  if (!plane || !here) return false
  const [x, y] = here
  let inside = false
  for (const ring of rings) {
    let before = plane(ring[0]!)
    for (let i = 1; i < ring.length; i++) {
      const after = plane(ring[i]!)
      if (before && after && before[1] > y !== after[1] > y) {
        const at = before[0] + ((y - before[1]) / (after[1] - before[1])) * (after[0] - before[0])
        if (at > x) inside = !inside
      }
      before = after
    }
  }
  return inside
}

function meet(one: Part, other: Part): boolean {
  if (one.kind === 'point') return hasPoint(other, one.point)
  if (other.kind === 'point') return hasPoint(one, other.point)
  return (
    hasPoint(other, one.arcs[0]!.from) ||
    hasPoint(one, other.arcs[0]!.from) ||
    one.arcs.some(arc => other.arcs.some(each => areNear(arc, each) && touch(arc, each)))
  )
}

function touch(one: Arc, other: Arc): boolean {
  return (
    isOnArc(one.from, other) ||
    isOnArc(one.to, other) ||
    isOnArc(other.from, one) ||
    isOnArc(other.to, one) ||
    crossingOf(one, other) !== undefined
  )
}

function hasPoint(part: Part, point: Vector): boolean {
  switch (part.kind) {
    case 'point':
      return isSame(part.point, point)
    case 'line':
      return part.arcs.some(arc => isOnArc(point, arc))
    case 'polygon':
      return covers(part, point)
  }
}
