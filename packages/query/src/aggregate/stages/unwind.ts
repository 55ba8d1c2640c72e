import type { Value } from '@nearcloud/protocol'
import { segmentsOf } from '../../paths.ts'
import type { Stage } from '../../types.ts'
import { valueThrough, withValue } from './fields.ts'
import { type Operator, Outgoing } from './pages.ts'

export type Unwind = Extract<Stage, readonly ['unwind', unknown]>[1]

/**
 * A document for each element of the array at `path`, which holds the element instead; `index`: the field that says which one.
 * What is no array is one element, with the index null. Nothing there (missing, null, an empty array): no document,
 * unless `keepEmpty`.
 */
export function unwind({ path, index, keepEmpty }: Unwind): Operator {
  const place = segmentsOf(path)
  const indexPlace = index === undefined ? undefined : segmentsOf(index)
  return async function* (input, { meter }) {
    const out = new Outgoing()
    for await (const page of input) {
      for (const document of page) {
        meter.step()
        const found = valueThrough(document, place)
        if (Array.isArray(found) && found.length > 0) {
          const elements = found as readonly Value[]
          for (let i = 0; i < elements.length; i++) {
            meter.step()
            const made = withValue(document, place, elements[i])
            out.add(indexPlace ? withValue(made, indexPlace, i) : made)
            if (out.isFull) yield out.take()
          }
          continue
        }
        const isEmpty = found === undefined || found === null || Array.isArray(found)
        if (isEmpty && !keepEmpty) continue
        const made = Array.isArray(found) ? withValue(document, place, undefined) : document
        out.add(indexPlace ? withValue(made, indexPlace, null) : made)
        if (out.isFull) yield out.take()
      }
      if (!out.isEmpty) yield out.take()
    }
  }
}
