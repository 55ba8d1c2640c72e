import { type Document, GeoPoint, type Value } from '@nearcloud/protocol'
import { compilePath } from './match/path.ts'
import type { Test } from './types.ts'

export type Near = Extract<Test, readonly ['geoNear', unknown]>[1]

/** The earth's radius in metres, as MongoDB has it. */
export const earthRadius = 6_378_100

export function nearTest(near: Near): (value: Value | undefined) => boolean {
  const distanceTo = distanceWithin(near)
  return value => distanceTo(value) !== Infinity
}

/** Metres from a document's nearest point at `path` that is within the distances; Infinity when there is none. */
export function compileDistance(path: string, near: Near): (document: Document) => number {
  const { some } = compilePath(path)
  const distanceTo = distanceWithin(near)
  return document => {
    let nearest = Infinity
    some(document, value => {
      nearest = Math.min(nearest, distanceTo(value))
      return false
    })
    return nearest
  }
}

/** Metres to a point that is within the distances; Infinity for anything else. */
function distanceWithin({
  geometry,
  minDistance = 0,
  maxDistance = Infinity,
}: Near): (value: Value | undefined) => number {
  if (!(geometry instanceof GeoPoint)) return () => Infinity
  const distanceTo = distanceFrom(geometry)
  return value => {
    if (!(value instanceof GeoPoint)) return Infinity
    const distance = distanceTo(value)
    return distance >= minDistance && distance <= maxDistance ? distance : Infinity
  }
}

/** Metres on the sphere, by the haversine, which keeps its accuracy for small distances. */
export function distanceFrom(center: GeoPoint): (point: GeoPoint) => number {
  const [longitude, latitude] = [radians(center.longitude), radians(center.latitude)]
  const cosine = Math.cos(latitude)
  return point => {
    const there = radians(point.latitude)
    const byLatitude = Math.sin((there - latitude) / 2)
    const byLongitude = Math.sin((radians(point.longitude) - longitude) / 2)
    const half = byLatitude * byLatitude + cosine * Math.cos(there) * byLongitude * byLongitude
    return 2 * earthRadius * Math.asin(Math.min(1, Math.sqrt(half)))
  }
}

function radians(degrees: number): number {
  return (degrees * Math.PI) / 180
}
