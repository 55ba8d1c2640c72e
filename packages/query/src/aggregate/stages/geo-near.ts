import { type Document, type DocumentData, Geo, GeoPoint, type Value } from '@nearcloud/protocol'
import { distanceFrom } from '../../geo-near.ts'
import { compilePath } from '../../match/path.ts'
import { asFields, isContainer, segmentsOf } from '../../paths.ts'
import type { GeoNearStage } from '../../types.ts'
import { withValue } from './fields.ts'
import { type Entry, FirstInOrder } from './first-in-order.ts'
import { type Operator, Outgoing } from './pages.ts'

interface Near extends Entry {
  readonly distance: number
  readonly point: GeoPoint
}

/** The documents with a point within the distances, nearest first, with the distance and, if wanted, the point. */
export function geoNear(stage: GeoNearStage): Operator {
  const distanceTo = distanceFrom(stage.near as GeoPoint)
  const { minDistance = 0, maxDistance = Infinity, distanceMultiplier, limit } = stage
  const pointsOf = stage.key === undefined ? pointsAnywhere : pointsAt(stage.key)
  const distancePlace = segmentsOf(stage.distanceField)
  const locationPlace = stage.includeLocs === undefined ? undefined : segmentsOf(stage.includeLocs)

  /** The nearest of a document's points, when it is within the distances. */
  function nearOf(document: DocumentData): Near | undefined {
    let near: Near | undefined
    for (const point of pointsOf(document)) {
      const distance = distanceTo(point)
      if (distance < minDistance || distance > maxDistance) continue
      if (!near || distance < near.distance) near = { document, bytes: 0, distance, point }
    }
    return near
  }

  return async function* (input, { meter }) {
    const held = meter.holding()
    const nearest = new FirstInOrder<Near>((a, b) => a.distance - b.distance, limit, held)
    try {
      for await (const page of input)
        for (const document of page) {
          meter.step()
          const near = nearOf(document)
          if (near) nearest.add(near)
        }
      const out = new Outgoing()
      for (const { document, distance, point } of nearest.inOrder()) {
        const made = withValue(document, distancePlace, distance * distanceMultiplier)
        out.add(locationPlace ? withValue(made, locationPlace, point) : made)
        if (out.isFull) yield out.take()
      }
      if (!out.isEmpty) yield out.take()
    } finally {
      held.release()
    }
  }
}

function pointsAt(path: string): (document: DocumentData) => readonly GeoPoint[] {
  const { some } = compilePath(path)
  return document => {
    const points: GeoPoint[] = []
    some(document as Document, value => {
      if (value instanceof GeoPoint) points.push(value)
      return false
    })
    return points
  }
}

/** The first point of all, field by field, each with what is inside of it. */
function pointsAnywhere(document: DocumentData): readonly GeoPoint[] {
  const found = firstPointIn(document)
  return found ? [found] : []
}

function firstPointIn(value: Value): GeoPoint | undefined {
  if (value instanceof GeoPoint) return value
  if (value instanceof Geo) return undefined
  const parts = Array.isArray(value)
    ? (value as readonly Value[])
    : isContainer(value)
      ? Object.values(asFields(value))
      : []
  for (const part of parts) {
    const found = firstPointIn(part)
    if (found) return found
  }
  return undefined
}
