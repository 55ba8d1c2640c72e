/** A point on the unit sphere. */
export type Vector = readonly [x: number, y: number, z: number]

/** Degrees. */
export function vectorOf([longitude, latitude]: readonly [number, number]): Vector {
  const [meridian, parallel] = [(longitude * Math.PI) / 180, (latitude * Math.PI) / 180]
  // the poles and the antimeridian are one place each, whatever the rounding of their sines says
  const width = Math.abs(latitude) === 90 ? 0 : Math.cos(parallel)
  const sine = Math.abs(longitude) === 180 ? 0 : Math.sin(meridian)
  return [width * Math.cos(meridian), width * sine, Math.sin(parallel)]
}

export function dot(a: Vector, b: Vector): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

export function cross(a: Vector, b: Vector): Vector {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

/** The direction at right angles to two points; by their sum and difference, which keeps it when they are near. */
export function normalOf(a: Vector, b: Vector): Vector | undefined {
  return unit(cross(sumOf([a, b]), differenceOf(b, a)))
}

/** Radians between two points. */
export function angleBetween(a: Vector, b: Vector): number {
  return 2 * Math.atan2(lengthOf(differenceOf(a, b)), lengthOf(sumOf([a, b])))
}

export function opposite(a: Vector): Vector {
  return [-a[0], -a[1], -a[2]]
}

/** On the unit sphere again; `undefined` for what has no direction. */
export function unit(a: Vector): Vector | undefined {
  const length = lengthOf(a)
  return length > 0 ? [a[0] / length, a[1] / length, a[2] / length] : undefined
}

export function sumOf(vectors: readonly Vector[]): Vector {
  let [x, y, z] = [0, 0, 0]
  for (const vector of vectors) {
    x += vector[0]
    y += vector[1]
    z += vector[2]
  }
  return [x, y, z]
}

export function isSame(a: Vector, b: Vector): boolean {
  return squareBetween(a, b) <= tolerance * tolerance
}

/** The square of the straight distance between two points. */
export function squareBetween(a: Vector, b: Vector): number {
  const x = a[0] - b[0]
  const y = a[1] - b[1]
  const z = a[2] - b[2]
  return x * x + y * y + z * z
}

function differenceOf(a: Vector, b: Vector): Vector {
  return [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}

function lengthOf(a: Vector): number {
  return Math.sqrt(dot(a, a))
}

/** Some twenty roundings of a number near 1; on the earth less than a thousandth of a millimetre. */
export const tolerance = 4e-15
