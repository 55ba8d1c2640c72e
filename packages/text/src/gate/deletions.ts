import { assert } from '@nearcloud/protocol'
import type { TextLimits } from '../limits.ts'
import { Stop } from './reader.ts'
import { type Scan, type ScanVisitor, scanUpdate } from './vet-update.ts'
import { Writer } from './writer.ts'

/** Ranges of clocks that are deleted, by client id. */
export type Deletions = Map<number, [clock: number, length: number][]>

/** Adds what an update of our own deletes. */
export function addDeletions(update: Uint8Array, to: Deletions): void {
  readOwn(update, {
    struct() {},
    deletion(client, clock, length) {
      const ranges = to.get(client)
      if (ranges === undefined) to.set(client, [[clock, length]])
      else ranges.push([clock, length])
    },
  })
}

/** An update of our own with other deletions than it came with. */
export function withDeletions(update: Uint8Array, deletions: Deletions): Uint8Array {
  const writer = new Writer().copy(update.subarray(0, readOwn(update).deletionsAt)).uint(deletions.size)
  for (const [client, ranges] of deletions) {
    writer.uint(client).uint(ranges.length)
    for (const [clock, length] of ranges) writer.uint(clock).uint(length)
  }
  return writer.take()
}

/** Reads what this side wrote itself: whatever it holds is right. */
function readOwn(update: Uint8Array, visitor?: ScanVisitor): Scan {
  const scan = scanUpdate(update, ownOptions, visitor)
  if (scan instanceof Stop) assert(false, `an update of our own can be read: ${scan.reason}`)
  return scan as Scan
}

const unlimited: TextLimits = {
  updateBytes: Number.POSITIVE_INFINITY,
  clients: Number.POSITIVE_INFINITY,
  structs: Number.POSITIVE_INFINITY,
  deleteRanges: Number.POSITIVE_INFINITY,
  newDeletions: Number.POSITIVE_INFINITY,
  advance: Number.POSITIVE_INFINITY,
  depth: Number.POSITIVE_INFINITY,
  keys: Number.POSITIVE_INFINITY,
  nameBytes: Number.POSITIVE_INFINITY,
  formats: Number.POSITIVE_INFINITY,
  steps: Number.POSITIVE_INFINITY,
  textLength: Number.POSITIVE_INFINITY,
  idsPerDay: Number.POSITIVE_INFINITY,
  ids: Number.POSITIVE_INFINITY,
}

const ownOptions = {
  clocks: () => Number.MAX_SAFE_INTEGER,
  isBound: () => true,
  roots: { has: () => true },
  limits: unlimited,
}
