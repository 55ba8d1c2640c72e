import { type Geo, GeoPoint, type Position } from '@nearcloud/protocol'
import { type Cap, type Part, partsOf } from '../geo/shapes.ts'
import { angleBetween, squareBetween, sumOf, unit, type Vector, vectorOf } from '../geo/sphere.ts'
import { ballAround, type Cell, childrenOf, faces, leafAt, leafLevel } from './cells.ts'

/** The cells that hold everything of a geometry: of a point its leaf. */
export function cellsOf(geometry: Geo): readonly Cell[] {
  if (geometry instanceof GeoPoint) return [leafAt(vectorOf(geometry.coordinates as Position))]
  const known = cellsByGeometry.get(geometry) ?? coverOf(capsAround(geometry), mostStoredCells)
  cellsByGeometry.set(geometry, known)
  return known
}

/** A document that changes elsewhere keeps its geometry. */
const cellsByGeometry = new WeakMap<Geo, readonly Cell[]>()

/** Caps that together hold everything of a geometry: one for each part, or one for all when they are many. */
export function capsAround(geometry: Geo): readonly Cap[] {
  const corners = partsOf(geometry).map(cornersOf)
  return corners.length > mostCaps ? [capAroundAll(corners.flat())] : corners.map(capAroundAll)
}

/**
 * At most `most` cells of one level that together hold everything of the caps (more when even the faces are more). Every
 * cell that has a point of a cap, on its border or inside, is among them or has a part of it there.
 */
export function coverOf(caps: readonly Cap[], most: number): readonly Cell[] {
  let cells = faces.filter(cell => meets(cell, caps))
  for (let level = 1; level <= leafLevel; level++) {
    const finer = cells.flatMap(childrenOf).filter(cell => meets(cell, caps))
    if (finer.length > most) break
    cells = finer
  }
  return cells
}

/**
 * A cap of less than a quarter turn has with two points also the shorter arc between them, and so with the corners of a
 * geometry everything in it. What is wider may be anywhere.
 */
function capAroundAll(corners: readonly Vector[]): Cap {
  const center = unit(sumOf(corners))
  let radius = center ? 0 : Math.PI
  for (const corner of corners) radius = Math.max(radius, angleBetween(center ?? corner, corner))
  return center && radius < widest ? { center, radius } : { center: corners[0]!, radius: Math.PI }
}

function cornersOf(part: Part): readonly Vector[] {
  switch (part.kind) {
    case 'point':
      return [part.point]
    case 'line':
      return [part.arcs[0]!.from, ...part.arcs.map(({ to }) => to)]
    case 'polygon':
      return part.rings.flat()
  }
}

function meets(cell: Cell, caps: readonly Cap[]): boolean {
  const ball = ballAround(cell)
  for (const { center, radius } of caps) {
    const reach = radius + ball.radius + spareAngle
    if (reach >= Math.PI) return true
    const chord = 2 * Math.sin(reach / 2)
    if (squareBetween(center, ball.center) <= chord * chord) return true
  }
  return false
}

const mostStoredCells = 12
const mostCaps = 8
const widest = 1.5
/** Radians, under a metre on the earth: more than all roundings on the way, also those of distances half around it. */
const spareAngle = 1e-7
