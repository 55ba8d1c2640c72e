import type { DocumentData, Value } from '@nearcloud/protocol'
import { compareValues } from '../../compare.ts'
import { unfit } from '../../refusals.ts'
import type { Stage } from '../../types.ts'
import { compileExpression } from '../expressions/compile.ts'
import type { Scope } from '../scope.ts'
import { type Accumulators, compileAccumulators } from './accumulators.ts'
import { cut, type Operator } from './pages.ts'

export type Bucket = Extract<Stage, readonly ['bucket', unknown]>[1]

/**
 * One document for each interval between two boundaries (the lower one belongs to it, and is its `_id`) that has any, in
 * their order. What lies outside goes to `default`, which stands where its value does. Throws for it without one.
 */
export function bucket({ by, boundaries, default: other, fields }: Bucket, scope: Scope): Operator {
  const compute = compileExpression(by, scope)
  const open = compileAccumulators(fields, scope)
  const outside = boundaries.length
  return async function* (input, { meter }) {
    const held = meter.holding()
    const buckets: (Accumulators | undefined)[] = []
    try {
      for await (const page of input)
        for (const document of page) {
          meter.step()
          const value = compute(document)
          const place = placeOf(value, boundaries) ?? outside
          if (place === outside && other === undefined)
            throw unfit('aggregate: bucket: a value lies outside of the boundaries: give it a default')
          buckets[place] ??= open(meter, held)
          buckets[place].add(document)
        }
      const results = buckets.map((each, i) => each?.result(i === outside ? other! : boundaries[i]!))
      yield* cut(results.filter(isThere).sort((a, b) => compareValues(a._id, b._id)))
    } finally {
      held.release()
    }
  }
}

/** Of the interval that has the value; undefined when none has. */
function placeOf(value: Value | undefined, boundaries: readonly Value[]): number | undefined {
  if (value === undefined) return undefined
  let [low, high] = [0, boundaries.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (compareValues(boundaries[middle], value) <= 0) low = middle + 1
    else high = middle
  }
  return low === 0 || low === boundaries.length ? undefined : low - 1
}

function isThere(result: DocumentData | undefined): result is DocumentData {
  return result !== undefined
}
