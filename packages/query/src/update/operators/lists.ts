import { kindOf, type Value } from '@nearcloud/protocol'
import { equalityKey } from '../../compare.ts'
import { badArgument, type Operation, type Target } from './operation.ts'

export const push: Operation = {
  kind: 'execute',
  check: argument => checkValues('push', argument),
  apply(current, argument, target) {
    return Object.freeze([...listIn(current, target), ...(argument as readonly Value[])])
  },
}

export const addToSet: Operation = {
  kind: 'execute',
  check: argument => checkValues('addToSet', argument),
  apply(current, argument, target) {
    const list = listIn(current, target)
    const known = new Set(list.map(equalityKey))
    const added = (argument as readonly Value[]).filter(value => {
      const key = equalityKey(value)
      return !known.has(key) && known.add(key)
    })
    return added.length === 0 && current !== undefined ? current : Object.freeze([...list, ...added])
  },
}

function checkValues(operator: string, argument: Value): void {
  if (!Array.isArray(argument)) throw badArgument(`${operator} takes a list of values`)
}

function listIn(current: Value | undefined, target: Target): readonly Value[] {
  if (current === undefined) return []
  if (Array.isArray(current)) return current
  throw target.refuse(`The field '${target.path}' must be an array but is of type ${kindOf(current)}`)
}
