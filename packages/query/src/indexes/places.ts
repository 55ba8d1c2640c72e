import { Geo, GeoPoint, type Position } from '@nearcloud/protocol'
import { clausesOf } from '../constraints.ts'
import { type Cap, capAround } from '../geo/shapes.ts'
import { vectorOf } from '../geo/sphere.ts'
import { earthRadius } from '../geo-near.ts'
import type { Filter, Test } from '../types.ts'
import { type Cell, firstLeafOf, leavesOf, nameOf, parentOf } from './cells.ts'
import { capsAround, coverOf } from './cover.ts'
import { following } from './encode-value.ts'
import { cellTag } from './index-keys.ts'
import { joined, type KeyRange } from './key-ranges.ts'

/**
 * Where in a 2dsphere index the geometries are that can satisfy what a filter says of the path: in cells that touch the
 * smallest area asked for, and in the larger cells around these. Undefined when it says nothing of it.
 */
export function rangesOfPlaces(filter: Filter, path: string): readonly KeyRange[] | undefined {
  let smallest: readonly Cap[] | undefined
  for (const clause of clausesOf(filter)) {
    if (clause[0] !== 'field' || clause[1] !== path) continue
    const caps = capsOfTest(clause[2])
    if (caps && (!smallest || sizeOf(caps) < sizeOf(smallest))) smallest = caps
  }
  return smallest && rangesOfCells(coverOf(smallest, mostAskedCells))
}

function capsOfTest(test: Test): readonly Cap[] | undefined {
  switch (test[0]) {
    case 'geoWithin': {
      if ('geometry' in test[1]) return test[1].geometry instanceof Geo ? capsAround(test[1].geometry) : []
      const cap = capAround(test[1].centerSphere)
      return cap ? [cap] : []
    }
    case 'geoIntersects':
      return test[1].geometry instanceof Geo ? capsAround(test[1].geometry) : []
    case 'geoNear': {
      const { geometry, maxDistance = Infinity } = test[1]
      if (!(geometry instanceof GeoPoint)) return []
      if (maxDistance === Infinity) return undefined
      return [{ center: vectorOf(geometry.coordinates as Position), radius: maxDistance / earthRadius }]
    }
    default:
      return undefined
  }
}

/** Neighbours in the order of cells are one range; what names a cell around the second of them lies between the two. */
function rangesOfCells(cells: readonly Cell[]): readonly KeyRange[] {
  const ordered = cells
    .map(cell => ({ cell, first: firstLeafOf(cell), end: firstLeafOf(cell) + leavesOf(cell) }))
    .sort((a, b) => a.first - b.first)
  const ranges: KeyRange[] = []
  const around = new Set<string>()
  for (let i = 0; i < ordered.length; ) {
    const { cell, first } = ordered[i]!
    let { end } = ordered[i++]!
    for (; i < ordered.length && ordered[i]!.first === end; i++) end = ordered[i]!.end
    ranges.push({ from: cellTag + nameOf(first, cell.level), to: cellTag + nameOf(end, 0) })
  }
  for (const { cell } of ordered)
    for (let outer = cell; outer.level > 0; ) {
      outer = parentOf(outer)
      const name = cellTag + nameOf(firstLeafOf(outer), outer.level)
      if (around.has(name)) break // and so are those around it
      around.add(name)
    }
  for (const name of around) ranges.push({ from: name, to: following(name)! })
  return joined(ranges)
}

function sizeOf(caps: readonly Cap[]): number {
  return caps.reduce((sum, { radius }) => sum + radius * radius, 0)
}

const mostAskedCells = 32
