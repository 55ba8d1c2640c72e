import { Geo, GeoPoint, normalise, type Value } from '@nearcloud/protocol'
import { refuse } from '../refusals.ts'
import type { Test } from '../types.ts'

/** Metres. */
export interface GeoNearOptions {
  readonly geometry: unknown
  readonly maxDistance?: number
  readonly minDistance?: number
}

/** A Polygon or MultiPolygon; or a Point (or `[longitude, latitude]`) and a radius in radians: metres / 6378100. */
export type GeoWithinOptions =
  | { readonly geometry: unknown }
  | { readonly centerSphere: readonly [center: unknown, radius: number] }

export interface GeoIntersectsOptions {
  readonly geometry: unknown
}

export function near(options: GeoNearOptions): Test {
  const { geometry, maxDistance, minDistance } = options ?? {}
  return [
    'geoNear',
    {
      geometry: geometryOf('geoNear', geometry),
      ...(maxDistance !== undefined && { maxDistance }),
      ...(minDistance !== undefined && { minDistance }),
    },
  ]
}

export function within(options: GeoWithinOptions): Test {
  if (!options || !('centerSphere' in options))
    return ['geoWithin', { geometry: geometryOf('geoWithin', options?.geometry) }]
  const [center, radius] = Array.isArray(options.centerSphere) ? options.centerSphere : []
  if (typeof radius !== 'number') throw refuse('_.geoWithin: centerSphere is a Point and a radius in radians')
  const point = Array.isArray(center) ? new GeoPoint(center[0], center[1]) : center
  return ['geoWithin', { centerSphere: [geometryOf('geoWithin', point), radius] }]
}

export function intersecting(options: GeoIntersectsOptions): Test {
  return ['geoIntersects', { geometry: geometryOf('geoIntersects', options?.geometry) }]
}

function geometryOf(operator: string, given: unknown): Value {
  const value = given === undefined ? null : normalise(given, { name: `_.${operator}` })
  if (!(value instanceof Geo)) throw refuse(`_.${operator} takes a geometry`)
  return value
}
