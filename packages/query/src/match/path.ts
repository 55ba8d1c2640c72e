import type { Document, Value } from '@nearcloud/protocol'
import { fieldOf, hasOwn, indexOf, isContainer, plainField, segmentsOf } from '../paths.ts'

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
  /** The field of the document that is all of the path, when it can be read without a doubt: no object inherits one so named. */
  readonly field?: string
  /** Is `test` true for something the path reaches, arrays taken apart? */
  some(document: Value, test: (value: Reached) => boolean): boolean
  /** The same, with arrays left whole; `open`: `some` would take this array apart. */
  someWhole(document: Value, test: (value: Reached, open: boolean) => boolean): boolean
}

export function compilePath(text: string): Path {
  const segments = segmentsOf(text)
  const indexes = segments.map(indexOf)
  const last = segments.length - 1
  const only = segments[0]!
  /** Names that objects have without anyone having put them there. */
  const isInherited = segments.map(segment => segment in Object.prototype)

  type Visit = (value: Reached, open: boolean) => boolean

  /** `apart`: arrays reached by name are taken apart. */
  function reach(container: Value, at: number, visit: Visit, apart: boolean): boolean {
    const value = isInherited[at] ? fieldOf(container, segments[at]!) : plainField(container, segments[at]!)
    if (at === last) return visitField(value, visit, apart)
    if (isContainer(value)) return reach(value, at + 1, visit, apart)
    return Array.isArray(value) ? reachElements(value, at + 1, visit, apart) : visit(undefined, false)
  }

  function reachElements(list: readonly Value[], at: number, visit: Visit, apart: boolean): boolean {
    const index = indexes[at]!
    for (let i = 0; i < list.length; i++) {
      const element = list[i]!
      const isObject = isContainer(element)
      if (isObject && reach(element, at, visit, apart)) return true
      if (i !== index) continue
      if (at === last) {
        if (visit(element, false)) return true
      } else if (isObject) {
        if (reach(element, at + 1, visit, apart)) return true
      } else if (Array.isArray(element) && reachElements(element, at + 1, visit, apart)) return true
    }
    return false
  }

  function compileWalk(apart: boolean): (document: Value, visit: Visit) => boolean {
    if (last > 0) return (document, visit) => reach(document, 0, visit, apart)
    return (document, visit) => {
      const fields = document as Document
      return visitField(hasOwn(fields, only) ? fields[only] : undefined, visit, apart)
    }
  }

  const isPlainField = last === 0 && !isInherited[0]
  return {
    text,
    ...(isPlainField && { field: only }),
    some: compileWalk(true),
    someWhole: compileWalk(false),
  }
}

/** `path.some` for one test. */
export function someOf(path: Path, test: (value: Reached) => boolean): (document: Value) => boolean {
  const { field } = path
  if (field === undefined) return document => path.some(document, test)
  return document => {
    const value = (document as Document)[field]
    return test(value) || isAmong(value, test)
  }
}

/** Is `test` true for an element, should the value be an array? */
export function isAmong(value: Reached, test: (value: Value) => boolean): boolean {
  if (typeof value !== 'object' || !Array.isArray(value)) return false
  const list = value as readonly Value[]
  for (let i = 0; i < list.length; i++) if (test(list[i]!)) return true
  return false
}

/** The value itself, as it is: an element of an array that is looked at alone. */
export const itself: Path = {
  text: '',
  some: (value, test) => test(value),
  someWhole: (value, test) => test(value, false),
}

function visitField(
  value: Reached,
  visit: (value: Reached, open: boolean) => boolean,
  apart: boolean,
): boolean {
  if (apart && Array.isArray(value))
    for (const element of value as readonly Value[]) if (visit(element, false)) return true
  return visit(value, !apart)
}

/**
 * Everything a condition on `path` may be satisfied by: the keys an index on the path holds for this document (a missing
 * field as null; none when nothing is reached).
 */
export function keysAt(document: Document, path: string): readonly Value[] {
  if (latest?.text !== path) latest = compilePath(path)
  const keys: Value[] = []
  latest.some(document, value => {
    keys.push(value ?? null)
    return false
  })
  return keys
}

/** The path asked for last: an index asks the same of thousands of documents. */
let latest: Path | undefined
