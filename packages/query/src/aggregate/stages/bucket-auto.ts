import type { DocumentData, Value } from '@nearcloud/protocol'
import { compareValues } from '../../compare.ts'
import type { Stage } from '../../types.ts'
import { compileExpression } from '../expressions/compile.ts'
import type { Scope } from '../scope.ts'
import { type Accumulators, compileAccumulators } from './accumulators.ts'
import { type Entry, FirstInOrder } from './first-in-order.ts'
import { cut, type Operator } from './pages.ts'

export type BucketAuto = Extract<Stage, readonly ['bucketAuto', unknown]>[1]

interface Valued extends Entry {
  /** Missing is null. */
  readonly value: Value
}

/**
 * At most so many documents, each of about as many as the others and of all that have equal values: `_id` is
 * `{ min, max }`, and max is the next one's min; the last one's belongs to it.
 */
export function bucketAuto({ by, buckets: most, fields }: BucketAuto, scope: Scope): Operator {
  const compute = compileExpression(by, scope)
  const open = compileAccumulators(fields, scope)
  return async function* (input, { meter }) {
    const held = meter.holding()
    const order = new FirstInOrder<Valued>((a, b) => compareValues(a.value, b.value), Infinity, held)
    try {
      for await (const page of input)
        for (const document of page) {
          meter.step()
          order.add({ document, bytes: 0, value: compute(document) ?? null })
        }
      const buckets: { readonly min: Value; readonly max: Value; readonly accumulators: Accumulators }[] = []
      for (const part of partsOf(order.inOrder(), most)) {
        const accumulators = open(meter, held)
        for (const { document } of part) {
          meter.step()
          accumulators.add(document)
        }
        buckets.push({ min: part[0]!.value, max: part[part.length - 1]!.value, accumulators })
      }
      yield* cut(
        buckets.map(({ min, max, accumulators }, i): DocumentData => {
          const next = buckets[i + 1]
          return accumulators.result(Object.freeze({ min, max: next ? next.min : max }))
        }),
      )
    } finally {
      held.release()
    }
  }
}

function* partsOf(entries: readonly Valued[], most: number): Iterable<readonly Valued[]> {
  const size = Math.max(1, Math.round(entries.length / most))
  let start = 0
  for (let i = 1; start < entries.length; i++) {
    let end = i === most ? entries.length : Math.min(start + size, entries.length)
    while (end < entries.length && compareValues(entries[end - 1]!.value, entries[end]!.value) === 0) end++
    yield entries.slice(start, end)
    start = end
  }
}
