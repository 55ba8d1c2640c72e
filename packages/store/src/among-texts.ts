import type { Value } from '@nearcloud/protocol'
import { compareValues, compileFilter, constraintsOf, type Query } from '@nearcloud/query'
import type { Kept } from './kept.ts'
import { orderPathOf } from './planner.ts'
import { textsIn } from './texts-in.ts'

/**
 * Adds to `found` those of `all` that a query's answer is among: its first `wanted` in order, or all for Infinity. Documents that are text
 * still are told by it as far as that goes, and read where it does not; the others stay as they are. What it yields are steps,
 * some milliseconds each.
 */
export function* amongTexts(
  all: Iterable<Kept>,
  query: Query,
  wanted: number,
  found: Kept[],
): Generator<undefined, void> {
  const texts = textsIn(query)
  const path = wanted < Infinity ? orderPathOf(query) : undefined
  const mark = path?.includes('.') === false && `${JSON.stringify(path)}:`
  const { lower, upper } = constraintsOf(query.where).get(path!) ?? {}
  const later: { readonly key: Value; readonly kept: Kept }[] = []
  let steps = 0
  for (const kept of all) {
    if (++steps % 1_000 === 0) yield
    if (kept.lacks(texts)) continue
    const key = mark && kept.peek(mark)
    if (key === false || key === undefined) found.push(kept)
    // a range, of the only key of the document at its path
    else if (
      !(lower && compareValues(key, lower.value) < (lower.inclusive ? 0 : 1)) &&
      !(upper && compareValues(key, upper.value) > (upper.inclusive ? 0 : -1))
    )
      later.push({ key, kept })
  }
  yield
  const sign = query.orderBy[0]?.[1] === 'desc' ? -1 : 1
  later.sort((a, b) => compareValues(a.key, b.key) * sign)
  const matches = compileFilter(query.where)
  let [left, last]: [number, Value] = [wanted, null]
  for (const { key, kept } of later) {
    if (left <= 0 && compareValues(key, last) !== 0) break
    if (++steps % 200 === 0) yield
    found.push(kept)
    if (!kept.document || !matches(kept.document)) continue
    left--
    last = key
  }
  for (const kept of found) {
    kept.unpack()
    if (++steps % 200 === 0) yield
  }
}
