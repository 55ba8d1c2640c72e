import type { DocumentData, Value } from '@nearcloud/protocol'
import { compareValues } from '../../compare.ts'
import { unfit } from '../../refusals.ts'
import type { Stage } from '../../types.ts'
import { compileExpression } from '../expressions/compile.ts'
import type { Scope } from '../scope.ts'
import { type Accumulators, compileAccumulators } from './accumulators.ts'
import { type Entry, FirstInOrder } from './first-in-order.ts'
import { type Granularity, granularityOf } from './granularity.ts'
import { cut, type Operator } from './pages.ts'

export type BucketAuto = Extract<Stage, readonly ['bucketAuto', unknown]>[1]

interface Valued extends Entry {
  /** Missing is null. */
  readonly value: Value
}

/**
 * At most so many documents, each of about as many as the others and of all that have equal values: `_id` is
 * `{ min, max }`, and max is the next one's min; the last one's belongs to it. With a granularity the boundaries are numbers of its
 * series, and no max belongs to its bucket.
 */
export function bucketAuto({ by, buckets: most, granularity, fields }: BucketAuto, scope: Scope): Operator {
  const compute = compileExpression(by, scope)
  const open = compileAccumulators(fields, scope)
  const rounding = granularity === undefined ? undefined : granularityOf(granularity)
  return async function* (input, { meter }) {
    const held = meter.holding()
    const order = new FirstInOrder<Valued>((a, b) => compareValues(a.value, b.value), Infinity, held)
    try {
      for await (const page of input)
        for (const document of page) {
          meter.step()
          const value = compute(document) ?? null
          if (rounding) checkRoundable(value)
          order.add({ document, bytes: 0, value })
        }
      const buckets: { readonly min: Value; readonly max: Value; readonly accumulators: Accumulators }[] = []
      for (const { part, min, max } of partsOf(order.inOrder(), most, rounding)) {
        const accumulators = open(meter, held)
        for (const { document } of part) {
          meter.step()
          accumulators.add(document)
        }
        buckets.push({ min, max, accumulators })
      }
      yield* cut(
        buckets.map(
          ({ min, max, accumulators }): DocumentData => accumulators.result(Object.freeze({ min, max })),
        ),
      )
    } finally {
      held.release()
    }
  }
}

interface Part {
  readonly part: readonly Valued[]
  readonly min: Value
  readonly max: Value
}

function* partsOf(
  entries: readonly Valued[],
  most: number,
  rounding: Granularity | undefined,
): Iterable<Part> {
  const size = Math.max(1, Math.round(entries.length / most))
  let start = 0
  let min = entries[0]?.value ?? null
  if (rounding && entries.length > 0) min = rounding.down(min as number)
  for (let i = 1; start < entries.length; i++) {
    let end = i === most ? entries.length : Math.min(start + size, entries.length)
    const last = entries[end - 1]!.value
    const boundary = rounding?.up(last as number)
    while (end < entries.length && belongs(entries[end]!.value, last, boundary)) end++
    const next = entries[end]?.value
    const max =
      boundary === 0 && next !== undefined
        ? rounding!.down(next as number)
        : (boundary ?? next ?? entries[end - 1]!.value)
    yield { part: entries.slice(start, end), min, max }
    min = max
    start = end
  }
}

/** Does a value go with the last one of a bucket? */
function belongs(value: Value, last: Value, boundary: number | undefined): boolean {
  return boundary === undefined ? compareValues(last, value) === 0 : (value as number) < boundary
}

function checkRoundable(value: Value): void {
  if (typeof value === 'number' && value >= 0 && value < Infinity) return
  throw unfit('bucketAuto: with a granularity every value is a number, 0 or more')
}
