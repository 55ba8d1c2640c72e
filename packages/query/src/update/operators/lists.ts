import { kindOf, type Value } from '@nearcloud/protocol'
import { equalityKey } from '../../compare.ts'
import { refuse } from '../../refusals.ts'
import type { Operation, Target } from './operation.ts'

export const addToSet: Operation = {
  kind: 'execute',
  check: argument => checkValues('addToSet', argument),
  apply(current, argument, target) {
    const list = current === undefined ? [] : listIn(current, target)
    const known = new Set(list.map(equalityKey))
    const added = (argument as readonly Value[]).filter(value => {
      const key = equalityKey(value)
      return !known.has(key) && known.add(key)
    })
    return added.length === 0 && current !== undefined ? current : Object.freeze([...list, ...added])
  },
}

/** Without the last element. */
export const pop: Operation = {
  kind: 'execute',
  check: argument => checkNothing('pop', argument),
  apply: (current, _, target) =>
    current === undefined ? undefined : without(listIn(current, target), list => list.slice(0, -1)),
}

/** Without the first element. */
export const shift: Operation = {
  kind: 'execute',
  check: argument => checkNothing('shift', argument),
  apply: (current, _, target) =>
    current === undefined ? undefined : without(listIn(current, target), list => list.slice(1)),
}

/** Without the elements that equal one of the values. */
export const pullAll: Operation = {
  kind: 'execute',
  check: argument => checkValues('pullAll', argument),
  apply(current, argument, target) {
    if (current === undefined) return undefined
    const unwanted = new Set((argument as readonly Value[]).map(equalityKey))
    return without(listIn(current, target), list => list.filter(value => !unwanted.has(equalityKey(value))))
  },
}

/** What is left of a list; the list itself when that is all. */
export function without(list: readonly Value[], leave: (list: readonly Value[]) => Value[]): Value {
  const left = leave(list)
  return left.length === list.length ? list : Object.freeze(left)
}

export function listIn(current: Value, target: Target): readonly Value[] {
  if (Array.isArray(current)) return current
  throw target.refuse(`The field '${target.path}' must be an array but is of type ${kindOf(current)}`)
}

export function checkValues(operator: string, argument: Value | undefined): void {
  if (!Array.isArray(argument)) throw refuse(`${operator} takes a list of values`)
}

function checkNothing(operator: string, argument: Value): void {
  if (argument !== null) throw refuse(`${operator} takes no argument`)
}
