import { fromJson, Geo, GeoPoint, type Value } from '@nearcloud/protocol'
import { countPositions, partsOf } from '../geo/shapes.ts'
import type { Near } from '../geo-near.ts'
import type { Area } from '../types.ts'
import { asRecord, refuse } from './shapes.ts'

export function nearOf(tree: unknown): Near {
  const source = asRecord(tree, '"geoNear"', nearKeys)
  const geometry = fromJson(source.geometry)
  if (!(geometry instanceof GeoPoint)) throw refuse('"geoNear" takes a geometry that is a Point')
  const near: { geometry: Value; minDistance?: number; maxDistance?: number } = { geometry }
  for (const key of ['minDistance', 'maxDistance'] as const) {
    const metres = source[key]
    if (metres === undefined) continue
    if (typeof metres !== 'number' || !(metres >= 0) || metres === Infinity)
      throw refuse(`"geoNear": ${key} is a number of metres, 0 or more`)
    near[key] = metres
  }
  return Object.freeze(near)
}

export function areaOf(tree: unknown, budget: { positions: number }): Area {
  const source = asRecord(tree, '"geoWithin"', ['geometry', 'centerSphere'])
  if ((source.geometry === undefined) === (source.centerSphere === undefined))
    throw refuse('"geoWithin" takes either a geometry or a centerSphere')
  if (source.centerSphere === undefined) {
    const { geometry } = shapeOf({ geometry: source.geometry }, '"geoWithin"', budget)
    if (geometry.type !== 'Polygon' && geometry.type !== 'MultiPolygon')
      throw refuse('"geoWithin" takes a geometry that is a Polygon or a MultiPolygon')
    return Object.freeze({ geometry })
  }
  const [center, radius, ...more] = Array.isArray(source.centerSphere) ? source.centerSphere : []
  const point = center === undefined ? undefined : fromJson(center)
  if (!(point instanceof GeoPoint) || typeof radius !== 'number' || !(radius >= 0) || more.length > 0)
    throw refuse('"geoWithin": centerSphere is a Point and a radius in radians (metres / 6378100), 0 or more')
  return Object.freeze({ centerSphere: Object.freeze([point, radius] as const) })
}

/** A geometry that is looked into: not too many positions, and polygons that have an inside. */
export function shapeOf(
  tree: unknown,
  name: string,
  budget: { positions: number },
): { readonly geometry: Geo } {
  const geometry = fromJson(asRecord(tree, name, ['geometry']).geometry)
  if (!(geometry instanceof Geo)) throw refuse(`${name} takes a geometry`)
  budget.positions -= countPositions(geometry)
  if (budget.positions < 0) throw refuse(`${name}: the geometries of a condition have too many positions`)
  if (partsOf(geometry).some(part => part.kind === 'polygon' && !part.map))
    throw refuse(`${name}: a polygon has to lie within one half of the earth`)
  return Object.freeze({ geometry })
}

const nearKeys = ['geometry', 'minDistance', 'maxDistance']
