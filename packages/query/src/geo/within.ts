import { type Arc, areNear, crossingOf, distanceToArc, isOnArc } from './arc.ts'
import { covers, isInside } from './intersects.ts'
import type { Cap, Part, Polygon } from './shapes.ts'
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
    return part.kind === 'line' || radius >= Math.PI || !isInside(part, far)
  })
}

function holds(area: Polygon, part: Part): boolean {
  if (part.kind === 'point') return covers(area, part.point)
  if (!part.arcs.every(arc => holdsArc(area, arc))) return false
  if (part.kind === 'line') return true
  // no border runs through a hole now: each hole is all inside the part, or all outside
  return area.rings.slice(1).every(hole => {
    const point = pointIn({ ...area, rings: [hole] }, hole)
    return point === undefined || !isInside(part, point)
  })
}

/** Cut where the borders meet it, an arc is within when its ends are, and the middle of every piece. */
function holdsArc(area: Polygon, arc: Arc): boolean {
  if (!covers(area, arc.from) || !covers(area, arc.to)) return false
  const cuts: Vector[] = [arc.from, arc.to]
  for (const border of area.arcs) {
    if (!areNear(border, arc)) continue
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

/** A point inside a ring: every ring has an ear, whose middle is inside. */
function pointIn(area: Polygon, ring: readonly Vector[]): Vector | undefined {
  for (let i = 2; i < ring.length; i++) {
    const middle = unit(sumOf([ring[i - 2]!, ring[i - 1]!, ring[i]!]))
    if (middle && isInside(area, middle)) return middle
  }
  const middle = unit(sumOf([ring[ring.length - 2]!, ring[0]!, ring[1]!]))
  return middle && isInside(area, middle) ? middle : undefined
}

/** Radians, a hundredth of a millimetre on the earth: pieces below are roundings of one cut. */
const shortest = 2e-12
