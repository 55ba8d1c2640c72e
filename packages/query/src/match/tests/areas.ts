import { Geo, type Value } from '@nearcloud/protocol'
import { intersects } from '../../geo/intersects.ts'
import { type Cap, capAround, partsOf } from '../../geo/shapes.ts'
import { isWithinCap, isWithinParts } from '../../geo/within.ts'
import type { Area } from '../../types.ts'
import { type Reached, someOf } from '../path.ts'
import type { TestFamily, TestOf } from './family.ts'

/** geoWithin, geoIntersects: of any geometry, on the sphere; a border belongs to what it surrounds. */
export const areas: TestFamily<TestOf<'geoWithin' | 'geoIntersects'>> = (test, path) => {
  const isSatisfied = test[0] === 'geoWithin' ? withinArea(test[1]) : intersecting(test[1].geometry)
  return someOf(path, isSatisfied)
}

function withinArea(area: Area): (value: Reached) => boolean {
  if ('geometry' in area) {
    if (!(area.geometry instanceof Geo)) return () => false
    const outer = partsOf(area.geometry)
    return value => value instanceof Geo && isWithinParts(partsOf(value), outer)
  }
  const cap: Cap | undefined = capAround(area.centerSphere)
  return value => cap !== undefined && value instanceof Geo && isWithinCap(partsOf(value), cap)
}

function intersecting(geometry: Value): (value: Reached) => boolean {
  if (!(geometry instanceof Geo)) return () => false
  const asked = partsOf(geometry)
  return value => value instanceof Geo && intersects(partsOf(value), asked)
}
