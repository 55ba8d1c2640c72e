import { unit, type Vector } from '../geo/sphere.ts'
import { encodeWhole } from './encode-value.ts'

/*
 * The sphere in squares: the six faces of a cube around it, seen from its middle, each divided into four, and those again,
 * down to leaves of less than a metre. Neither a pole nor a meridian is anything special on it.
 *
 * A cell is named by its first leaf and its level. In the order of these names everything inside a cell follows it at
 * once, before its neighbour.
 */

/** A square of a face: `column` and `row` count from 0 to `2 ** level - 1`. */
export interface Cell {
  readonly face: number
  readonly level: number
  readonly column: number
  readonly row: number
}

export const leafLevel = 24

export const faces: readonly Cell[] = [0, 1, 2, 3, 4, 5].map(face => ({ face, level: 0, column: 0, row: 0 }))

/** The one leaf a point is in. */
export function leafAt(point: Vector): Cell {
  const [x, y, z] = point
  const [byX, byY, byZ] = [Math.abs(x), Math.abs(y), Math.abs(z)]
  const axis = byX >= byY && byX >= byZ ? 0 : byY >= byZ ? 1 : 2
  const height = point[axis]!
  const [across, up] = axis === 0 ? [y, z] : axis === 1 ? [x, z] : [x, y]
  const size = Math.abs(height)
  return {
    face: height > 0 ? axis : axis + 3,
    level: leafLevel,
    column: leafNumber(across / size),
    row: leafNumber(up / size),
  }
}

export function childrenOf({ face, level, column, row }: Cell): readonly Cell[] {
  return [0, 1, 2, 3].map(child => ({
    face,
    level: level + 1,
    column: column * 2 + (child >> 1),
    row: row * 2 + (child & 1),
  }))
}

export function parentOf({ face, level, column, row }: Cell): Cell {
  return { face, level: level - 1, column: column >> 1, row: row >> 1 }
}

/**
 * A ball around the cell: its middle, and radians from there that no corner is beyond. Seen from the middle of the cube what
 * is far from the face's middle is small: at a distance of `d` at most one part in `√(1 + d²)`.
 */
export function ballAround({ face, level, column, row }: Cell): {
  readonly center: Vector
  readonly radius: number
} {
  const count = 2 ** level
  const [across, up] = [(2 * column + 1) / count - 1, (2 * row + 1) / count - 1]
  const [toCorner, distance] = [Math.SQRT2 / count, Math.sqrt(across * across + up * up)]
  const nearest = Math.max(0, distance - toCorner)
  return { center: pointOn(face, across, up), radius: toCorner / Math.sqrt(1 + nearest * nearest) }
}

/** How many leaves a cell has. */
export function leavesOf({ level }: Cell): number {
  return leaves[level]!
}

/** The place of a cell's first leaf among all leaves: column and row, bit by bit. */
export function firstLeafOf(cell: Cell): number {
  const { face, level, column, row } = cell
  let place = face
  for (let bit = level - 1; bit >= 0; bit--)
    place = place * 4 + ((column >> bit) & 1) * 2 + ((row >> bit) & 1)
  return place * leavesOf(cell)
}

/** The name of a place and level: 8 bytes. */
export function nameOf(firstLeaf: number, level: number): string {
  return encodeWhole(firstLeaf, 7) + String.fromCharCode(level)
}

const leaves = Array.from({ length: leafLevel + 1 }, (_, level) => 4 ** (leafLevel - level))

/** From -1 … 1. */
function leafNumber(place: number): number {
  const count = 2 ** leafLevel
  return Math.max(0, Math.min(count - 1, Math.floor(((place + 1) / 2) * count)))
}

/** From -1 … 1 on a face. */
function pointOn(face: number, across: number, up: number): Vector {
  const height = face < 3 ? 1 : -1
  const axis = face % 3
  return unit(axis === 0 ? [height, across, up] : axis === 1 ? [across, height, up] : [across, up, height])!
}
