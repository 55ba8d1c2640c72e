import {
  type Document,
  type ElementGuard,
  type ElementName,
  elementNames,
  limits,
  type PathChange,
  type Value,
  type Write,
} from '@nearcloud/protocol'
import { fieldOf, indexOf, segmentsOf } from '../paths.ts'
import { refuse } from '../refusals.ts'
import { hashOf, identityOf, isNamed } from './elements.ts'

/**
 * The write with guards for the elements its author sees in `document`, the same object when it changes none. Guards
 * that are there already stay: who tries a write again means what was meant first. After `limits.guardedChanges`
 * changes an index is a place.
 */
export function guardWrite(write: Write, document: Document | null): Write {
  if (write.op !== 'update' || !document || !write.changes.some(([path]) => mayHaveIndex.test(path)))
    return write
  let room = limits.guardedChanges - write.changes.filter(([, , , guards]) => guards).length
  const changes = write.changes.map((change): PathChange => {
    const [path, operator, argument, known] = change
    const guards = known || operator === 'rename' || room === 0 ? undefined : guardsOf(document, path)
    if (!guards) return change
    room--
    return Object.freeze([path, operator, argument, guards] as const)
  })
  return Object.freeze({ ...write, changes: Object.freeze(changes) })
}

/**
 * Guards for the elements that the indexes in a path name in this document; none for an index at or beyond an array's end,
 * nor for what follows it. Undefined when there are none.
 */
export function guardsOf(document: Value, path: string): readonly ElementGuard[] | undefined {
  if (!mayHaveIndex.test(path)) return undefined
  const guards: ElementGuard[] = []
  let value: Value | undefined = document
  for (const [at, segment] of segmentsOf(path).entries()) {
    if (Array.isArray(value)) {
      const list = value as readonly Value[]
      const index = indexOf(segment)
      if (index < 0 || index >= list.length || guards.length === limits.pathGuards) break
      const by = nameOf(list, index)
      guards.push(Object.freeze([at, by, hashOf(list[index]!, by)!, list.length] as const))
    }
    value = fieldOf(value, segment)
  }
  return guards.length === 0 ? undefined : Object.freeze(guards)
}

/** Throws INVALID_PARAM unless these can be the guards of a path: of indexes in it, in their order. */
export function checkGuards(path: string, guards: readonly ElementGuard[]): void {
  if (guards.length === 0 || guards.length > limits.pathGuards)
    throw refuse(`a path has 1 to ${limits.pathGuards} guards`)
  const segments = segmentsOf(path)
  let last = 0
  for (const [segment, by, hash, length] of guards) {
    if (!Number.isSafeInteger(segment) || segment <= last || indexOf(segments[segment] ?? '') < 0)
      throw refuse('a guard is of an index in its path')
    if (by !== '' && !elementNames.includes(by))
      throw refuse('a guard is by _id, id, key, or the whole element')
    if (!hashForm.test(hash)) throw refuse('the hash of a guard is 16 hex digits')
    if (!Number.isSafeInteger(length) || length <= Number(segments[segment]))
      throw refuse('a guard is of an element that was there')
    last = segment
  }
}

/** A name that two elements share names neither. */
function nameOf(list: readonly Value[], index: number): ElementName {
  const identity = identityOf(list[index])
  if (!identity) return ''
  const isShared = list.some((element, at) => at !== index && isNamed(element, identity))
  return isShared ? '' : identity.by
}

const mayHaveIndex = /\.\d/
const hashForm = /^[0-9a-f]{16}$/
