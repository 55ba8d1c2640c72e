import { Geo, GeoPoint, type GeoType, geoFromJson } from '@nearcloud/protocol'
import { refuse } from '../refusals.ts'

/** Callable with or without `new`, as the original's. */
export interface Constructor<Arguments extends readonly unknown[], Made> {
  new (...given: Arguments): Made
  (...given: Arguments): Made
}

export interface GeoConstructors {
  /** Degrees. */
  readonly Point: Constructor<[longitude: number, latitude: number], GeoPoint>
  readonly LineString: Constructor<[points: readonly Geo[]], Geo>
  readonly Polygon: Constructor<[lines: readonly Geo[]], Geo>
  readonly MultiPoint: Constructor<[points: readonly Geo[]], Geo>
  readonly MultiLineString: Constructor<[lines: readonly Geo[]], Geo>
  readonly MultiPolygon: Constructor<[polygons: readonly Geo[]], Geo>
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
export const geoConstructors: GeoConstructors = Object.freeze({
  Point: callable((longitude: number, latitude: number) => new GeoPoint(longitude, latitude)),
  LineString: callable((points: readonly Geo[]) => compose('LineString', points, 'Point', 2)),
  Polygon: callable((lines: readonly Geo[]) => {
    for (const line of lines ?? []) checkClosed(line)
    return compose('Polygon', lines, 'LineString', 1)
  }),
  MultiPoint: callable((points: readonly Geo[]) => compose('MultiPoint', points, 'Point', 1)),
  MultiLineString: callable((lines: readonly Geo[]) => compose('MultiLineString', lines, 'LineString', 1)),
  MultiPolygon: callable((polygons: readonly Geo[]) => compose('MultiPolygon', polygons, 'Polygon', 1)),
})

function compose(type: GeoType, parts: readonly Geo[], partType: GeoType, least: number): Geo {
  if (!Array.isArray(parts) || parts.length < least)
    throw refuse(`${type} takes an array of at least ${least} ${partType}`)
  for (const part of parts)
    if (!(part instanceof Geo) || part.type !== partType)
      throw refuse(`${type} is made of ${partType} geometries`)
  const geometry = geoFromJson({ type, coordinates: parts.map((part: Geo) => part.coordinates) })
  if (!geometry) throw refuse(`these coordinates make no ${type}`)
  return geometry
}

function checkClosed(line: unknown): void {
  if (!(line instanceof Geo) || line.type !== 'LineString') return
  const [first, last] = [line.coordinates[0], line.coordinates[line.coordinates.length - 1]]
  if (line.coordinates.length < 4 || String(first) !== String(last))
    throw refuse(`the LineString ${JSON.stringify(line.coordinates)} is not a closed cycle`)
}
