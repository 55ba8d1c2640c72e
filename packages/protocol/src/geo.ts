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

  /** Of a LineString and a MultiPoint; undefined for other geometries, as are `lines` and `polygons`. */
  get points(): readonly GeoPoint[] | undefined {
    return partsOf(this, 'Point') as GeoPoint[] | undefined
  }

  /** Of a Polygon (the first goes around it, the others around its holes) and a MultiLineString. */
  get lines(): readonly GeoLineString[] | undefined {
    return partsOf(this, 'LineString') as GeoLineString[] | undefined
  }

  /** Of a MultiPolygon. */
  get polygons(): readonly GeoPolygon[] | undefined {
    return partsOf(this, 'Polygon') as GeoPolygon[] | undefined
  }

  toJSON(): { type: GeoType; coordinates: readonly unknown[] } {
    return { type: this.type, coordinates: this.coordinates }
  }

  toString(): string {
    return JSON.stringify(this)
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

/** What each kind of geometry is made of. A point is made of nothing. */
export const geoPartTypes: { readonly [type in GeoType]?: GeoType } = {
  LineString: 'Point',
  Polygon: 'LineString',
  MultiPoint: 'Point',
  MultiLineString: 'LineString',
  MultiPolygon: 'Polygon',
}

function partsOf({ type, coordinates }: Geo, partType: GeoType): (Geo | undefined)[] | undefined {
  if (geoPartTypes[type] !== partType) return undefined
  return coordinates.map(part => geoFromJson({ type: partType, coordinates: part }))
}

/** A geometry whose kind is known: its members as the original's typings have them. They are made when asked for. */
interface GeoOf<Type extends GeoType, Coordinates extends unknown[]> extends Geo {
  readonly type: Type
  /** Frozen. */
  toJSON(): { type: Type; coordinates: Coordinates }
}
type Line = [number, number][]

export interface GeoMultiPoint extends GeoOf<'MultiPoint', Line> {
  readonly points: GeoPoint[]
}
export interface GeoLineString extends GeoOf<'LineString', Line> {
  readonly points: GeoPoint[]
}
export interface GeoMultiLineString extends GeoOf<'MultiLineString', Line[]> {
  readonly lines: GeoLineString[]
}
export interface GeoPolygon extends GeoOf<'Polygon', Line[]> {
  readonly lines: GeoLineString[]
}
export interface GeoMultiPolygon extends GeoOf<'MultiPolygon', Line[][]> {
  readonly polygons: GeoPolygon[]
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
