import { CloudError } from './errors.ts'

/** `[longitude, latitude]` in degrees. */
export type Position = readonly [number, number]

export type GeoType = 'Point' | 'LineString' | 'Polygon' | 'MultiPoint' | 'MultiLineString' | 'MultiPolygon'

/**
 * A GeoJSON geometry. Made by the constructors below or by `geoFromJson`; frozen.
 *
 * `JSON.stringify` gives plain GeoJSON, as the original's does.
 */
export class Geo {
  readonly type: GeoType
  readonly coordinates: readonly unknown[]

  constructor(type: GeoType, coordinates: readonly unknown[]) {
    this.type = type
    this.coordinates = coordinates
    if (new.target === Geo) Object.freeze(this)
  }

  toJSON(): { type: GeoType; coordinates: readonly unknown[] } {
    return { type: this.type, coordinates: this.coordinates }
  }
}

/** A point, with the properties the original's has. */
export class GeoPoint extends Geo {
  readonly longitude: number
  readonly latitude: number

  constructor(longitude: number, latitude: number) {
    const position = Object.freeze(checkPosition(longitude, latitude))
    super('Point', position)
    ;[this.longitude, this.latitude] = position
    Object.freeze(this)
  }
}

/**
 * The geometry a plain GeoJSON object means, or `undefined` when it is not exactly one (`type` and `coordinates`
 * and nothing else, positions in range, lines of at least two, rings closed): it is then an object like any other.
 */
export function geoFromJson(object: { readonly [key: string]: unknown }): Geo | undefined {
  const { type, coordinates } = object
  if (typeof type !== 'string' || !Array.isArray(coordinates) || Object.keys(object).length !== 2)
    return undefined
  const isShape = shapes.get(type as GeoType)
  if (!isShape?.(coordinates)) return undefined
  if (type === 'Point') return new GeoPoint(coordinates[0], coordinates[1])
  return new Geo(type as GeoType, freezeNested(coordinates))
}

/** Throws INVALID_PARAM in the original's words. */
export function checkPosition(longitude: number, latitude: number): [number, number] {
  if (typeof longitude !== 'number' || typeof latitude !== 'number')
    throw new CloudError('INVALID_PARAM', { errMsg: 'Geo Point must be number type' })
  if (!(Math.abs(latitude) <= 90))
    throw new CloudError('INVALID_PARAM', { errMsg: 'latitude should be a number ranges from -90 to 90' })
  if (!(Math.abs(longitude) <= 180))
    throw new CloudError('INVALID_PARAM', { errMsg: 'longitude should be a number ranges from -180 to 180' })
  return [withoutSign(longitude), withoutSign(latitude)]
}

type ShapeCheck = (coordinates: unknown) => boolean

const isPosition: ShapeCheck = c =>
  Array.isArray(c) &&
  c.length === 2 &&
  typeof c[0] === 'number' &&
  typeof c[1] === 'number' &&
  Math.abs(c[0]) <= 180 &&
  Math.abs(c[1]) <= 90
const listOf =
  (item: ShapeCheck, atLeast = 1): ShapeCheck =>
  c =>
    Array.isArray(c) && c.length >= atLeast && c.every(item)
const isLine = listOf(isPosition, 2)
const isRing: ShapeCheck = c => {
  if (!listOf(isPosition, 4)(c)) return false
  const ring = c as Position[]
  const [first, last] = [ring[0]!, ring[ring.length - 1]!]
  return first[0] === last[0] && first[1] === last[1]
}
const isPolygon = listOf(isRing)

const shapes = new Map<GeoType, ShapeCheck>([
  ['Point', isPosition],
  ['LineString', isLine],
  ['Polygon', isPolygon],
  ['MultiPoint', listOf(isPosition)],
  ['MultiLineString', listOf(isLine)],
  ['MultiPolygon', listOf(isPolygon)],
])

function freezeNested(list: readonly unknown[]): readonly unknown[] {
  return Object.freeze(
    list.map(item => (Array.isArray(item) ? freezeNested(item) : withoutSign(item as number))),
  )
}

/** Zero for negative zero, which JSON text cannot carry. */
function withoutSign(degrees: number): number {
  return degrees + 0
}
