import { type Document, GeoPoint, type Value } from '@nearcloud/protocol'
import { compilePath } from './match/path.ts'
import type { Test } from './types.ts'

export type Near = Extract<Test, readonly ['geoNear', unknown]>[1]

/** The earth's radius in metres, as MongoDB has it. */
export const earthRadius = 6_378_100

/** Metres between two points on the sphere. */
export function distanceBetween(a: GeoPoint, b: GeoPoint): number {
  const [latitudeA, latitudeB] = [radians(a.latitude), radians(b.latitude)]
  const byLatitude = Math.sin((latitudeB - latitudeA) / 2) ** 2
  const byLongitude = Math.sin(radians(b.longitude - a.longitude) / 2) ** 2
  const half = byLatitude + Math.cos(latitudeA) * Math.cos(latitudeB) * byLongitude
  return 2 * earthRadius * Math.asin(Math.min(1, Math.sqrt(half)))
}

export function nearTest(near: Near): (value: Value | undefined) => boolean {
  const { geometry, minDistance = 0, maxDistance = Infinity } = near
  return value => {
    if (!(value instanceof GeoPoint) || !(geometry instanceof GeoPoint)) return false
    const distance = distanceBetween(value, geometry)
    return distance >= minDistance && distance <= maxDistance
  }
}

/** Metres from a document's nearest point at `path` that is within the distances; Infinity when there is none. */
export function compileDistance(path: string, near: Near): (document: Document) => number {
  const { some } = compilePath(path)
  const isNear = nearTest(near)
  return document => {
    let nearest = Infinity
    some(document, value => {
      if (isNear(value))
        nearest = Math.min(nearest, distanceBetween(value as GeoPoint, near.geometry as GeoPoint))
      return false
    })
    return nearest
  }
}

function radians(degrees: number): number {
  return (degrees * Math.PI) / 180
}
