import { parseFilter } from '../../../parse/parse-filter.ts'
import { nearOf } from '../../../parse/parse-geo.ts'
import { asRecord, refuse } from '../../../parse/shapes.ts'
import { checkPath } from '../../../paths.ts'
import type { GeoNearStage } from '../../../types.ts'
import { isNear } from './parse-parts.ts'

export function geoNearOf(tree: unknown): GeoNearStage {
  const source = asRecord(tree, 'geoNear', keys)
  const { near: geometry, minDistance, maxDistance, distanceField, distanceMultiplier, limit } = source
  const near = nearOf({
    geometry,
    ...(minDistance !== undefined && { minDistance }),
    ...(maxDistance !== undefined && { maxDistance }),
  })
  checkPath(distanceField)
  for (const name of ['includeLocs', 'key'] as const) if (source[name] !== undefined) checkPath(source[name])
  if (typeof distanceMultiplier !== 'number' || !(distanceMultiplier >= 0) || distanceMultiplier === Infinity)
    throw refuse('distanceMultiplier is a number, 0 or more')
  if (!Number.isSafeInteger(limit) || (limit as number) < 1)
    throw refuse('limit is a whole number, 1 or more')
  const query = parseFilter(source.query)
  if (isNear(query)) throw refuse('query has no condition "geoNear": the stage is one')
  const { geometry: point, ...distances } = near
  return Object.freeze({
    near: point,
    distanceField,
    ...distances,
    query,
    distanceMultiplier,
    ...(source.includeLocs !== undefined && { includeLocs: source.includeLocs as string }),
    ...(source.key !== undefined && { key: source.key as string }),
    limit: limit as number,
  })
}

const keys = [
  'near',
  'distanceField',
  'minDistance',
  'maxDistance',
  'query',
  'distanceMultiplier',
  'includeLocs',
  'key',
  'limit',
]
