import {
  angleBetween,
  cross,
  dot,
  isSame,
  normalOf,
  opposite,
  squareBetween,
  sumOf,
  tolerance,
  unit,
  type Vector,
} from './sphere.ts'

/** The shorter piece of a great circle between two points. */
export interface Arc {
  readonly from: Vector
  readonly to: Vector
  /** At right angles to both; absent when they are one point or opposite ones. */
  readonly normal: Vector | undefined
  /** A ball around the arc: its middle, and the straight distance from there to an end. */
  readonly middle: Vector
  readonly radius: number
}

export function arcBetween(from: Vector, to: Vector): Arc {
  const middle = unit(sumOf([from, to])) ?? from
  const radius = Math.sqrt(Math.max(squareBetween(middle, from), squareBetween(middle, to)))
  return { from, to, normal: normalOf(from, to), middle, radius }
}

/** Does the arc pass through the point, as far as rounding can tell? */
export function isOnArc(point: Vector, arc: Arc): boolean {
  if (isSame(point, arc.from) || isSame(point, arc.to)) return true
  return arc.normal !== undefined && Math.abs(dot(arc.normal, point)) <= tolerance && isBeside(point, arc)
}

/** Can two arcs meet? Cheap, and never wrong when it says no. */
export function areNear(one: Arc, other: Arc): boolean {
  const reach = one.radius + other.radius + tolerance
  return squareBetween(one.middle, other.middle) <= reach * reach
}

/** Where two arcs cross; nothing for arcs of one great circle, whose ends tell more. */
export function crossingOf(one: Arc, other: Arc): Vector | undefined {
  if (!one.normal || !other.normal) return undefined
  const point = unit(cross(one.normal, other.normal))
  if (!point) return undefined
  for (const each of [point, opposite(point)]) if (isBeside(each, one) && isBeside(each, other)) return each
  return undefined
}

/** Radians from a point to the nearest of an arc. */
export function distanceToArc(point: Vector, arc: Arc): number {
  const ends = Math.min(angleBetween(point, arc.from), angleBetween(point, arc.to))
  if (!arc.normal || !isBeside(point, arc)) return ends
  return Math.min(ends, Math.abs(Math.asin(Math.max(-1, Math.min(1, dot(arc.normal, point))))))
}

/** Is the nearest point of the whole great circle one of the arc's? */
function isBeside(point: Vector, { from, to, normal }: Arc): boolean {
  return dot(cross(normal!, from), point) >= 0 && dot(cross(to, normal!), point) >= 0
}
