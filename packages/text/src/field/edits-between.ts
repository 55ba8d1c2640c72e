/** `removed` units at `at` (of the old text) give way to `inserted`. */
export interface Edit {
  readonly at: number
  readonly removed: number
  readonly inserted: string
}

/**
 * The edits from one text to another, in order: the fewest code points when the texts differ in few places, else one edit
 * between what they begin and end with in common. Never parts a surrogate pair.
 */
export function editsBetween(from: string, to: string): Edit[] {
  if (from === to) return []
  const start = commonStart(from, to)
  const end = commonEnd(from, to, start)
  const before = from.slice(start, from.length - end)
  const after = to.slice(start, to.length - end)
  const one = [{ at: start, removed: before.length, inserted: after }]
  if (before === '' || after === '') return one
  return fewest([...before], [...after], start) ?? one
}

function commonStart(from: string, to: string): number {
  const most = Math.min(from.length, to.length)
  let length = 0
  while (length < most && from.charCodeAt(length) === to.charCodeAt(length)) length++
  return length > 0 && isHigh(from.charCodeAt(length - 1)) ? length - 1 : length
}

function commonEnd(from: string, to: string, start: number): number {
  const most = Math.min(from.length, to.length) - start
  let length = 0
  while (length < most && from.charCodeAt(from.length - length - 1) === to.charCodeAt(to.length - length - 1))
    length++
  return length > 0 && isLow(from.charCodeAt(from.length - length)) ? length - 1 : length
}

function isHigh(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff
}

function isLow(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff
}

/** More differences than this, and one edit is made instead: the search costs their square. */
const mostDifferences = 256

/**
 * The shortest way through the grid of both texts (Myers), or undefined when it is longer than `mostDifferences`. `ways[d]`
 * is how far one gets in `from` on each diagonal after `d` differences.
 */
function fewest(from: readonly string[], to: readonly string[], offset: number): Edit[] | undefined {
  const ways: Int32Array[] = []
  let reached = new Int32Array(2 * mostDifferences + 3)
  const middle = mostDifferences + 1
  for (let d = 0; d <= mostDifferences; d++) {
    ways.push(reached.slice())
    const next = reached
    for (let diagonal = -d; diagonal <= d; diagonal += 2) {
      const down =
        diagonal === -d || (diagonal !== d && next[middle + diagonal - 1]! < next[middle + diagonal + 1]!)
      let x = down ? next[middle + diagonal + 1]! : next[middle + diagonal - 1]! + 1
      while (x < from.length && x - diagonal < to.length && from[x] === to[x - diagonal]) x++
      next[middle + diagonal] = x
      if (x >= from.length && x - diagonal >= to.length) return editsOf(from, to, ways, d, offset)
    }
    reached = next
  }
  return undefined
}

/** The way back from the end, one difference at a time; neighbours become one edit. */
function editsOf(
  from: readonly string[],
  to: readonly string[],
  ways: readonly Int32Array[],
  differences: number,
  offset: number,
): Edit[] {
  const middle = mostDifferences + 1
  const removed = new Uint8Array(from.length)
  const insertedAt = new Map<number, string[]>()
  let x = from.length
  let y = to.length
  for (let d = differences; d > 0; d--) {
    const way = ways[d]!
    const diagonal = x - y
    const down =
      diagonal === -d || (diagonal !== d && way[middle + diagonal - 1]! < way[middle + diagonal + 1]!)
    const previous = down ? diagonal + 1 : diagonal - 1
    const fromX = way[middle + previous]!
    const fromY = fromX - previous
    if (down) {
      const list = insertedAt.get(fromX)
      if (list === undefined) insertedAt.set(fromX, [to[fromY]!])
      else list.push(to[fromY]!)
    } else removed[fromX] = 1
    x = fromX
    y = fromY
  }
  return joined(from, removed, insertedAt, offset)
}

function joined(
  from: readonly string[],
  removed: Uint8Array,
  insertedAt: ReadonlyMap<number, readonly string[]>,
  offset: number,
): Edit[] {
  const edits: Edit[] = []
  let units = offset
  let open: { at: number; removed: number; inserted: string } | undefined
  for (let x = 0; x <= from.length; x++) {
    const inserted = insertedAt.get(x)
    if (inserted !== undefined || removed[x] === 1) open ??= { at: units, removed: 0, inserted: '' }
    if (open !== undefined && inserted !== undefined) open.inserted += [...inserted].reverse().join('')
    if (removed[x] === 1) open!.removed += from[x]!.length
    else if (open !== undefined) {
      edits.push(open)
      open = undefined
    }
    units += from[x]?.length ?? 0
  }
  return edits
}
