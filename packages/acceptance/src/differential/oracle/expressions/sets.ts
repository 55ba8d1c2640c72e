import type { Value } from '@nearcloud/protocol'
import { areEqual, isArray, type Maybe } from '../order.ts'
import { cannot } from '../refusal.ts'
import { isNothing, type Operator } from './operator.ts'

/** Lists as sets; their elements stand where they were first met. */
export const sets: { readonly [name: string]: Operator } = {
  setUnion: values => {
    const lists = listsIn(values)
    return lists && distinct(lists.flat())
  },
  setIntersection: values => {
    const [first, ...others] = listsIn(values) ?? []
    if (!first) return null
    return distinct(first).filter(each => others.every(other => has(other, each)))
  },
  setDifference: ([a, b]) => {
    if (isNothing(a) || isNothing(b)) return null
    const [left, right] = [listIn(a), listIn(b)]
    return distinct(left).filter(each => !has(right, each))
  },
  setEquals: values => {
    const [first, ...others] = values.map(listIn)
    return others.every(other => isSubset(first!, other) && isSubset(other, first!))
  },
  setIsSubset: ([a, b]) => isSubset(listIn(a), listIn(b)),
}

export function distinct(values: readonly Value[]): readonly Value[] {
  return values.filter((value, at) => !has(values.slice(0, at), value))
}

export function has(list: readonly Value[], value: Maybe): boolean {
  return list.some(each => areEqual(each, value))
}

function isSubset(a: readonly Value[], b: readonly Value[]): boolean {
  return a.every(each => has(b, each))
}

/** null when one of them is nothing, and those before it are arrays. */
function listsIn(values: readonly Maybe[]): readonly (readonly Value[])[] | null {
  const lists: (readonly Value[])[] = []
  for (const value of values) {
    if (isNothing(value)) return null
    lists.push(listIn(value))
  }
  return lists
}

function listIn(value: Maybe): readonly Value[] {
  if (!isArray(value)) throw cannot('a set is an array')
  return value
}
