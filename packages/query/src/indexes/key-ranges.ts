import { cutKey, following, invert, mostKeyBytes } from './encode-value.ts'

/** From `from` up to, and without, `to`; without `to` up to the end. */
export interface KeyRange {
  readonly from: string
  readonly to?: string
}

/** A place among encoded values: before all that begin with `bytes`, or after them. */
export interface Edge {
  readonly bytes: string
  readonly isAfter: boolean
}

/** All keys that begin with `prefix`. */
export function rangeOf(prefix: string): KeyRange {
  const edge = { bytes: prefix, isAfter: false }
  return rangeFrom(edge, { ...edge, isAfter: true })!
}

/** The keys that begin with `prefix` and go on with a value between the edges; nothing when there can be none. */
export function rangeBetween(
  prefix: string,
  low: Edge,
  high: Edge,
  isDescending: boolean,
): KeyRange | undefined {
  const [from, to] = isDescending ? [turned(high), turned(low)] : [low, high]
  return rangeFrom({ ...from, bytes: prefix + from.bytes }, { ...to, bytes: prefix + to.bytes })
}

/** Ascending and apart from each other. */
export function joined(ranges: readonly KeyRange[]): readonly KeyRange[] {
  const sorted = [...ranges].sort((a, b) => (a.from < b.from ? -1 : a.from > b.from ? 1 : 0))
  const apart: KeyRange[] = []
  for (const range of sorted) {
    const last = apart[apart.length - 1]
    if (!last || (last.to !== undefined && last.to < range.from)) apart.push(range)
    else if (last.to !== undefined && (range.to === undefined || range.to > last.to))
      apart[apart.length - 1] = rangeTo(last.from, range.to)
  }
  return apart
}

/** Of a key that is cut nobody knows where it would be among those with the same beginning: all of them are in. */
function rangeFrom(low: Edge, high: Edge): KeyRange | undefined {
  const from = low.isAfter && low.bytes.length <= mostKeyBytes ? following(low.bytes) : cutKey(low.bytes)
  if (from === undefined) return undefined
  const to =
    high.isAfter || high.bytes.length > mostKeyBytes ? following(cutKey(high.bytes)) : cutKey(high.bytes)
  return to !== undefined && from >= to ? undefined : rangeTo(from, to)
}

function rangeTo(from: string, to: string | undefined): KeyRange {
  return to === undefined ? { from } : { from, to }
}

function turned({ bytes, isAfter }: Edge): Edge {
  return { bytes: invert(bytes), isAfter: !isAfter }
}
