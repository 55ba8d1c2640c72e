import type { Document, Value } from '@nearcloud/protocol'
import { fieldOf, hasOwn, indexOf, isContainer, segmentsOf } from '../paths.ts'

/** What a path reaches; `undefined` is a missing field. */
export type Reached = Value | undefined

/**
 * A dotted path read as queries read it: through the objects of arrays, by index where a segment is a number, or both.
 *
 * An array reached by name stands for its elements and for itself; one reached by an index at the path's end only for
 * itself. An array on the way that holds no objects reaches nothing at all: neither a value nor a missing field.
 */
export interface Path {
  readonly text: string
  /** Is `test` true for something the path reaches, arrays taken apart? */
  some(document: Document, test: (value: Reached) => boolean): boolean
  /** The same, with arrays left whole; `open`: `some` would take this array apart. */
  someWhole(document: Document, test: (value: Reached, open: boolean) => boolean): boolean
}

export function compilePath(text: string): Path {
  const segments = segmentsOf(text)
  const indexes = segments.map(indexOf)
  const last = segments.length - 1
  const only = segments[0]!

  type Visit = (value: Reached, open: boolean) => boolean

  function reach(container: Value, at: number, visit: Visit): boolean {
    const value = fieldOf(container, segments[at]!)
    if (at === last) return visit(value, true)
    if (Array.isArray(value)) return reachElements(value, at + 1, visit)
    return isContainer(value) ? reach(value, at + 1, visit) : visit(undefined, false)
  }

  function reachElements(list: readonly Value[], at: number, visit: Visit): boolean {
    for (let i = 0; i < list.length; i++) {
      const element = list[i]!
      const isObject = isContainer(element)
      if (isObject && reach(element, at, visit)) return true
      if (i !== indexes[at]) continue
      if (at === last) {
        if (visit(element, false)) return true
      } else if (isObject) {
        if (reach(element, at + 1, visit)) return true
      } else if (Array.isArray(element) && reachElements(element, at + 1, visit)) return true
    }
    return false
  }

  const someWhole: Path['someWhole'] =
    last === 0
      ? (document, test) => test(hasOwn(document, only) ? document[only] : undefined, true)
      : (document, test) => reach(document, 0, test)

  return {
    text,
    someWhole,
    some(document, test) {
      return someWhole(document, (value, open) => {
        if (open && Array.isArray(value))
          for (const element of value as readonly Value[]) if (test(element)) return true
        return test(value)
      })
    },
  }
}

/**
 * Everything a condition on `path` may be satisfied by: the keys an index on the path holds for this document (a missing
 * field as null; none when nothing is reached).
 */
export function keysAt(document: Document, path: string): readonly Value[] {
  const keys: Value[] = []
  compilePath(path).some(document, value => {
    keys.push(value ?? null)
    return false
  })
  return keys
}
