import { type Arc, crossingOf, distanceToArc, isOnArc } from './arc.ts'
import { covers, isInside } from './intersects.ts'
import type { Cap, Part, Polygon, PolygonMap } from './shapes.ts'
import { angleBetween, opposite, sumOf, tolerance, unit, type Vector } from './sphere.ts'

/** Does each part lie wholly within one of the polygons, borders included? */
export function isWithinParts(parts: readonly Part[], areas: readonly Part[]): boolean {
  return parts.every(part => areas.some(area => area.kind === 'polygon' && holds(area, part)))
}

/** Does each part lie wholly within the cap? */
export function isWithinCap(parts: readonly Part[], { center, radius }: Cap): boolean {
  const far = opposite(center)
  const reach = radius + tolerance
  return parts.every(part => {
    if (part.kind === 'point') return angleBetween(center, part.point) <= reach
    if (part.arcs.some(arc => Math.PI - distanceToArc(far, arc) > reach)) return false
    return part.kind === 'line' || radius >= Math.PI || !isInside(part.map, far)
  })
}

function holds(area: Polygon, part: Part): boolean {
  if (part.kind === 'point') return covers(area, part.point)
  if (!part.arcs.every(arc => holdsArc(area, arc))) return false
  // the end of an arc is where the next one begins, but for a line's last
  if (part.kind === 'line') return covers(area, part.arcs[part.arcs.length - 1]!.to)
  // no border runs through a hole now: each hole is all inside the part, or all outside
  return area.rings.slice(1).every((hole, i) => {
    const point = pointIn(hole, area.map && { ...area.map, rings: area.map.rings.slice(i + 1, i + 2) })
    return point === undefined || !isInside(part.map, point)
  })
}

/** Cut where the borders meet it, an arc is within when its beginning is, and the middle of every piece. */
function holdsArc(area: Polygon, arc: Arc): boolean {
  if (!covers(area, arc.from)) return false
  const borders = bordersNear(area, arc)
  if (borders.length === 0) return true
  const cuts: Vector[] = [arc.from, arc.to]
  for (const border of borders) {
    if (isOnArc(border.from, arc)) cuts.push(border.from)
    const crossing = crossingOf(border, arc)
    if (crossing) cuts.push(crossing)
  }
  const ordered = cuts
    .map(point => ({ point, angle: angleBetween(arc.from, point) }))
    .sort((a, b) => a.angle - b.angle)
  return ordered.slice(1).every(({ point, angle }, i) => {
    const before = ordered[i]!
    if (angle - before.angle < shortest) return true
    const middle = unit(sumOf([before.point, point]))
    return middle !== undefined && covers(area, middle)
  })
}

function bordersNear({ arcs, balls }: Polygon, { middle, radius }: Arc): readonly Arc[] {
  const near: Arc[] = []
  const [x, y, z] = middle
  for (let i = 0; i < arcs.length; i++) {
    const byX = balls[i * 4]! - x
    const byY = balls[i * 4 + 1]! - y
    const byZ = balls[i * 4 + 2]! - z
    const reach = balls[i * 4 + 3]! + radius + tolerance
    if (byX * byX + byY * byY + byZ * byZ <= reach * reach) near.push(arcs[i]!)
  }
  return near
}

/** A point inside a ring: every ring has an ear, whose middle is inside. */
function pointIn(ring: readonly Vector[], map: PolygonMap | undefined): Vector | undefined {
  const corners = [ring[ring.length - 2]!, ...ring]
  for (let i = 2; i < corners.length; i++) {
    const middle = unit(sumOf([corners[i - 2]!, corners[i - 1]!, corners[i]!]))
    if (middle && isInside(map, middle)) return middle
  }
  return undefined
}

/** Radians, a hundredth of a millimetre on the earth: pieces below are roundings of one cut. */
const shortest = 2e-12
