import { type Arc, areNear, crossingOf, isOnArc } from './arc.ts'
import type { Part, Polygon, PolygonMap } from './shapes.ts'
import { isSame, type Vector } from './sphere.ts'

/** Do any two parts have a point in common? */
export function intersects(some: readonly Part[], others: readonly Part[]): boolean {
  return some.some(one => others.some(other => meet(one, other)))
}

/** Is the point within the polygon or on one of its borders? */
export function covers(polygon: Polygon, point: Vector): boolean {
  return isInside(polygon.map, point) || polygon.arcs.some(arc => isOnArc(point, arc))
}

/** Is the point inside, by the number of borders on one side of it? (On a border: either answer.) */
export function isInside(map: PolygonMap | undefined, point: Vector): boolean {
  const here = map?.project(point)
  if (!map || !here) return false
  const [x, y] = here
  let inside = false
  for (const ring of map.rings)
    for (let i = 3; i < ring.length; i += 2) {
      const fromY = ring[i - 2]!
      const toY = ring[i]!
      if (fromY > y === toY > y) continue
      const fromX = ring[i - 3]!
      const toX = ring[i - 1]!
      if (fromX + ((y - fromY) / (toY - fromY)) * (toX - fromX) > x) inside = !inside
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
