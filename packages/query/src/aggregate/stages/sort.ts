import type { Document, Value } from '@nearcloud/protocol'
import { compareSortKeys, compileSortKey } from '../../sort.ts'
import type { Direction } from '../../types.ts'
import { type Entry, FirstInOrder } from './first-in-order.ts'
import { cut, type Operator } from './pages.ts'

interface Sorted extends Entry {
  /** What it is sorted by, read once. */
  readonly key: Value | undefined
  readonly more: readonly (Value | undefined)[]
}

/** In the order of the paths; equal ones as they came. `keep`: no more than the first so many are wanted. */
export function sort(order: readonly (readonly [path: string, Direction])[], keep = Infinity): Operator {
  const [keyOf, ...keysOf] = order.map(([path, direction]) => compileSortKey(path, direction))
  const compare = compareEntries(order.map(([, direction]) => (direction === 'asc' ? 1 : -1)))
  return async function* (input, { meter }) {
    const held = meter.holding()
    const first = new FirstInOrder(compare, keep, held)
    try {
      for await (const page of input)
        for (const document of page as readonly Document[]) {
          meter.step()
          const more = keysOf.length === 0 ? none : keysOf.map(each => each(document))
          first.add({ document, bytes: 0, key: keyOf!(document), more })
        }
      yield* cut(first.inOrder().map(({ document }) => document))
    } finally {
      held.release()
    }
  }
}

function compareEntries([sign, ...signs]: readonly (1 | -1)[]): (a: Sorted, b: Sorted) => number {
  return (a, b) => {
    const order = compareSortKeys(a.key, b.key)
    if (order !== 0) return order * sign!
    for (let i = 0; i < signs.length; i++) {
      const next = compareSortKeys(a.more[i], b.more[i])
      if (next !== 0) return next * signs[i]!
    }
    return 0
  }
}

const none: readonly Value[] = []
