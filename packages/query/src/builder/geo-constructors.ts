import {
  Geo,
  type GeoLineString,
  type GeoMultiLineString,
  type GeoMultiPoint,
  type GeoMultiPolygon,
  GeoPoint,
  type GeoPolygon,
  type GeoType,
  geoFromJson,
  geoPartTypes,
} from '@nearcloud/protocol'
import { refuse } from '../refusals.ts'
import { isPlainData } from './plain-data.ts'

/** Callable with or without `new`, as the original's. */
export interface Constructor<Arguments extends readonly unknown[], Made> {
  new (...given: Arguments): Made
  (...given: Arguments): Made
}

export interface GeoConstructors {
  /** Degrees; or GeoJSON, as in all of them. */
  readonly Point: Constructor<[longitude: number, latitude: number], GeoPoint> & FromJson<'Point', GeoPoint>
  readonly LineString: Composed<'LineString', PointLike, GeoLineString>
  readonly Polygon: Composed<'Polygon', LineLike, GeoPolygon>
  readonly MultiPoint: Composed<'MultiPoint', PointLike, GeoMultiPoint>
  readonly MultiLineString: Composed<'MultiLineString', LineLike, GeoMultiLineString>
  readonly MultiPolygon: Composed<'MultiPolygon', PolygonLike, GeoMultiPolygon>
}

type FromJson<Type extends GeoType, Made> = Constructor<[geojson: GeoJson<Type>], Made>
type Composed<Type extends GeoType, Part, Made> = Constructor<
  [parts: readonly (Geo | Part)[] | GeoJson<Type>],
  Made
>

interface GeoJson<Type extends GeoType> {
  readonly type: Type
  readonly coordinates: readonly unknown[]
}

/** What the public typings know of the parts of geometries. */
interface PointLike {
  readonly longitude: number
  readonly latitude: number
}
interface LineLike {
  readonly points: readonly PointLike[]
}
interface PolygonLike {
  readonly lines: readonly LineLike[]
}

/** `make` as a constructor: what it returns is the object, with `new` and without. */
export function callable<Arguments extends readonly unknown[], Made extends object>(
  make: (...given: Arguments) => Made,
): Constructor<Arguments, Made> {
  // an arrow cannot be called with `new`
  function construct(...given: Arguments): Made {
    return make(...given)
  }
  return construct as unknown as Constructor<Arguments, Made>
}

/** `db.Geo`. Each throws INVALID_PARAM for parts of another shape, too few of them, or a ring that is not closed. */
export const geoConstructors = Object.freeze({
  Point: callable((longitude: unknown, latitude: unknown) =>
    isPlainData(longitude)
      ? fromJson('Point', longitude)
      : new GeoPoint(longitude as number, latitude as number),
  ),
  LineString: composing('LineString', 2),
  Polygon: composing('Polygon'),
  MultiPoint: composing('MultiPoint'),
  MultiLineString: composing('MultiLineString'),
  MultiPolygon: composing('MultiPolygon'),
}) as unknown as GeoConstructors

function composing(type: GeoType, least = 1): Constructor<[given: unknown], Geo> {
  const partType = geoPartTypes[type]
  return callable(given => {
    if (isPlainData(given)) return fromJson(type, given)
    if (!Array.isArray(given) || given.length < least)
      throw refuse(`${type} takes an array of at least ${least} ${partType}`)
    for (const part of given) {
      if (!(part instanceof Geo) || part.type !== partType)
        throw refuse(`${type} is made of ${partType} geometries`)
      if (type === 'Polygon') checkClosed(part)
    }
    return fromJson(type, { type, coordinates: given.map((part: Geo) => part.coordinates) })
  })
}

function fromJson(type: GeoType, geojson: Readonly<Record<string, unknown>>): Geo {
  const geometry = geoFromJson(geojson)
  if (geometry?.type !== type) throw refuse(`these coordinates make no ${type}`)
  return geometry
}

function checkClosed(line: Geo): void {
  const [first, last] = [line.coordinates[0], line.coordinates[line.coordinates.length - 1]]
  if (line.coordinates.length < 4 || String(first) !== String(last))
    throw refuse(`the LineString ${JSON.stringify(line.coordinates)} is not a closed cycle`)
}
