// from the whole, so that a bundler that splits keeps the language in one piece: in several a page's first load is 2.4 KB more
import { type Constraint, compareValues, constraintsOf } from '../index.ts'
import type { Direction, IndexDefinition, Query } from '../types.ts'
import { encodeValue, invert, tagOf } from './encode-value.ts'
import { type Edge, joined, type KeyRange, rangeBetween, rangeOf } from './key-ranges.ts'
import { rangesOfPlaces } from './places.ts'
import { walkOf } from './walk.ts'

/** How a query may use an index. */
export interface IndexPlan {
  /** Ascending, apart from each other, at most 1,000: every match has a key in one of them. None: nothing matches. */
  readonly ranges: readonly KeyRange[]
  /**
   * Walked in this direction, keys come in the order of the query's `orderBy` (documents of one key in none), each
   * document with one of them.
   */
  readonly order?: Direction
  /** How many conditions the ranges stand for; the more the better. */
  readonly equalities: number
  readonly hasBound: boolean
  /** All keys in the ranges are one and the same. */
  readonly isOneKey: boolean
}

/** Of which paths some document in the index is multikey (`IndexKeys.multikeyPaths`); true: it may be any. */
export type Multikey = boolean | ReadonlySet<string>

/**
 * Undefined when the index is of no use to the query.
 *
 * The conditions on its paths are used from the first path on, up to the first without an equality; that one may have a
 * range or an area.
 */
export function planIndex(
  definition: IndexDefinition,
  multikey: Multikey,
  query: Query,
): IndexPlan | undefined {
  const isMultikey = (path: string) => (typeof multikey === 'boolean' ? multikey : multikey.has(path))
  const constraints = constraintsOf(query.where)
  /** How many values each of the first paths has to equal. */
  const points: number[] = []
  let prefixes: readonly string[] = ['']
  let ranges: readonly KeyRange[] | undefined
  for (const [path, kind] of definition.keys) {
    if (kind === '2dsphere') {
      ranges = within(prefixes, rangesOfPlaces(query.where, path))
      break
    }
    const constraint = constraints.get(path)
    if (!constraint) break
    const values = constraint.equals && encodedOnce(constraint.equals, kind)
    if (!values || prefixes.length * values.length > mostRanges) {
      const [low, high] = edgesOf(constraint, isMultikey(path))
      ranges = prefixes.flatMap(prefix => rangeBetween(prefix, low, high, kind === -1) ?? [])
      break
    }
    prefixes = prefixes.flatMap(prefix => values.map(value => prefix + value))
    points.push(values.length)
  }
  const [equalities, hasBound] = [points.length, ranges !== undefined]
  // who has none of its fields is not in a unique index, but does not satisfy a condition either
  const isWhole = !definition.unique || equalities > 0 || hasBound
  const order = isWhole ? walkOf(definition, points, isMultikey, query) : undefined
  if (equalities === 0 && !hasBound && order === undefined) return undefined
  return {
    ranges: joined(ranges ?? prefixes.map(rangeOf)),
    ...(order && { order }),
    equalities,
    hasBound,
    isOneKey: equalities === definition.keys.length && points.every(count => count === 1),
  }
}

function encodedOnce(values: Constraint['equals'] & object, kind: 1 | -1): readonly string[] {
  const encoded = values.map(value => (kind === 1 ? encodeValue(value) : invert(encodeValue(value))))
  return [...new Set(encoded)]
}

/** One key satisfies both bounds only where there is but one; and only values of a bound's own type satisfy it. */
function edgesOf(
  { equals, lower, upper }: Constraint,
  isMultikey: boolean,
): readonly [low: Edge, high: Edge] {
  if (equals) {
    const [least, greatest] = [equals.reduce(lesser), equals.reduce(greater)]
    return [before(encodeValue(least)), after(encodeValue(greatest))]
  }
  const low = lower && { bytes: encodeValue(lower.value), isAfter: !lower.inclusive }
  const high = upper && { bytes: encodeValue(upper.value), isAfter: upper.inclusive }
  if (low && (!high || isMultikey)) return [low, after(tagOf(lower.value))]
  return [low ?? before(tagOf(upper!.value)), high!]
}

function within(
  prefixes: readonly string[],
  places: readonly KeyRange[] | undefined,
): readonly KeyRange[] | undefined {
  if (!places || prefixes.length * places.length > mostRanges) return undefined
  return prefixes.flatMap(prefix =>
    places.flatMap(({ from, to }) => rangeBetween(prefix, before(from), before(to!), false) ?? []),
  )
}

type Equals = NonNullable<Constraint['equals']>

function lesser(a: Equals[number], b: Equals[number]): Equals[number] {
  return compareValues(b, a) < 0 ? b : a
}

function greater(a: Equals[number], b: Equals[number]): Equals[number] {
  return compareValues(b, a) > 0 ? b : a
}

function before(bytes: string): Edge {
  return { bytes, isAfter: false }
}

function after(bytes: string): Edge {
  return { bytes, isAfter: true }
}

const mostRanges = 1_000
