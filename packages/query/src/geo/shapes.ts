import { type Geo, GeoPoint, type Position, type Value } from '@nearcloud/protocol'
import { type Arc, arcBetween } from './arc.ts'
import { cross, dot, sumOf, tolerance, unit, type Vector, vectorOf } from './sphere.ts'

/** What a geometry is made of: points, lines, and polygons with their holes. */
export type Part =
  | { readonly kind: 'point'; readonly point: Vector }
  | { readonly kind: 'line'; readonly arcs: readonly Arc[] }
  | Polygon

export interface Polygon {
  readonly kind: 'polygon'
  /** All its borders. */
  readonly arcs: readonly Arc[]
  /** The balls around them: x, y, z and radius of one after the other. */
  readonly balls: Float64Array
  /** The outer ring, then the holes; the last vertex is the first. */
  readonly rings: readonly (readonly Vector[])[]
  /** Absent when no half of the sphere holds the polygon: it is a border only. */
  readonly map: PolygonMap | undefined
}

/** A polygon on a flat map, where its borders are straight. */
export interface PolygonMap {
  readonly project: Projection
  /** Of each ring x and y, vertex by vertex: bare numbers, since all of them are looked at for every point. */
  readonly rings: readonly Float64Array[]
}

/** Half the sphere on a plane that touches it (gnomonic: arcs are straight lines); `undefined` for the other half. */
export type Projection = (point: Vector) => Place | undefined
export type Place = readonly [x: number, y: number]

/** Everything within an angle of a point. */
export interface Cap {
  readonly center: Vector
  readonly radius: number
}

/** The parts of a geometry; of one geometry always the same ones. */
export function partsOf(geometry: Geo): readonly Part[] {
  const known = partsByGeometry.get(geometry) ?? makeParts(geometry)
  partsByGeometry.set(geometry, known)
  return known
}

export function capAround([center, radius]: readonly [center: Value, radius: number]): Cap | undefined {
  return center instanceof GeoPoint ? { center: vectorOf(center.coordinates as Position), radius } : undefined
}

/** How many positions a geometry has. */
export function countPositions(geometry: Geo): number {
  const count = (list: readonly unknown[]): number =>
    typeof list[0] === 'number' ? 1 : list.reduce((sum: number, each) => sum + count(each as unknown[]), 0)
  return count(geometry.coordinates)
}

const partsByGeometry = new WeakMap<Geo, readonly Part[]>()

function makeParts({ type, coordinates }: Geo): readonly Part[] {
  switch (type) {
    case 'Point':
      return [{ kind: 'point', point: vectorOf(coordinates as unknown as Position) }]
    case 'MultiPoint':
      return (coordinates as readonly Position[]).map(each => ({ kind: 'point', point: vectorOf(each) }))
    case 'LineString':
      return [lineOf(coordinates as readonly Position[])]
    case 'MultiLineString':
      return (coordinates as readonly (readonly Position[])[]).map(lineOf)
    case 'Polygon':
      return [polygonOf(coordinates as readonly (readonly Position[])[])]
    case 'MultiPolygon':
      return (coordinates as readonly (readonly (readonly Position[])[])[]).map(polygonOf)
  }
}

function lineOf(positions: readonly Position[]): Part {
  return { kind: 'line', arcs: arcsOf(positions.map(vectorOf)) }
}

function polygonOf(lines: readonly (readonly Position[])[]): Polygon {
  const rings = lines.map(line => line.map(vectorOf))
  const arcs = rings.flatMap(arcsOf)
  const balls = Float64Array.from(arcs.flatMap(({ middle, radius }) => [...middle, radius]))
  return { kind: 'polygon', arcs, balls, rings, map: mapOf(rings) }
}

function arcsOf(vectors: readonly Vector[]): readonly Arc[] {
  return vectors.slice(1).map((vector, i) => arcBetween(vectors[i]!, vector))
}

function mapOf(rings: readonly (readonly Vector[])[]): PolygonMap | undefined {
  const project = projectionOf(rings[0]!)
  if (!project) return undefined
  const outlines = rings.map(ring =>
    Float64Array.from(ring.flatMap(vector => project(vector) ?? [Number.NaN])),
  )
  return outlines.some(outline => outline.includes(Number.NaN)) ? undefined : { project, rings: outlines }
}

/** A map with all the vertices: around their sum, drawn to the farthest one until it is on the map. */
function projectionOf(ring: readonly Vector[]): Projection | undefined {
  let sum = unit(sumOf(ring)) ?? ring[0]!
  for (let attempt = 0; attempt < maxAttempts; attempt++) {
    const center = unit(sum)
    if (!center) return undefined
    const farthest = ring.reduce((a, b) => (dot(b, center) < dot(a, center) ? b : a))
    if (dot(farthest, center) > edge) return projectionAt(center)
    sum = sumOf([sum, farthest])
  }
  return undefined
}

function projectionAt(center: Vector): Projection {
  const [x, y, z] = center.map(Math.abs) as [number, number, number]
  const apart: Vector = x <= y && x <= z ? [1, 0, 0] : y <= z ? [0, 1, 0] : [0, 0, 1]
  const right = unit(cross(apart, center))!
  const up = cross(center, right)
  return point => {
    const height = dot(point, center)
    return height > tolerance ? [dot(point, right) / height, dot(point, up) / height] : undefined
  }
}

const maxAttempts = 200
/** A vertex may not be at the very edge of the map. */
const edge = 1e-6
