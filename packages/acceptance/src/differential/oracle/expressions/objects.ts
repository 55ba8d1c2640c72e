import type { Value } from '@nearcloud/protocol'
import { type Fields, fieldOf, fieldsOf, isArray } from '../order.ts'
import { cannot } from '../refusal.ts'
import { accumulated } from './accumulators.ts'
import { isNothing, type Operator } from './operator.ts'

export const objects: { readonly [name: string]: Operator } = {
  mergeObjects: values => accumulated('mergeObjects', values),
  objectToArray: ([object]) => {
    if (isNothing(object)) return null
    const fields = fieldsOf(object)
    if (!fields) throw cannot('objectToArray of no object')
    return Object.entries(fields).map(([k, v]) => ({ k, v }))
  },
  arrayToObject: ([list]) => {
    if (isNothing(list)) return null
    if (!isArray(list)) throw cannot('arrayToObject of no array')
    const object: { [key: string]: Value } = {}
    const isOfPairs = isArray(list[0])
    for (const each of list) {
      const [key, value] = isOfPairs ? pairIn(each) : fieldIn(each)
      if (typeof key !== 'string') throw cannot('arrayToObject: a key is text')
      object[key] = value
    }
    return object
  },
}

function pairIn(value: Value): readonly [Value, Value] {
  if (!isArray(value) || value.length !== 2) throw cannot('arrayToObject: a pair has two elements')
  return [value[0]!, value[1]!]
}

function fieldIn(value: Value): readonly [Value, Value] {
  const [k, v] = [fieldOf(value, 'k'), fieldOf(value, 'v')]
  const names = Object.keys((fieldsOf(value) ?? {}) as Fields)
  if (k === undefined || v === undefined || names.length !== 2) throw cannot('arrayToObject: k and v')
  return [k, v]
}
