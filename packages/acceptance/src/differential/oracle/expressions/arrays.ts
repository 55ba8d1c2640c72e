import type { Value } from '@nearcloud/protocol'
import { areEqual, fieldOf, isArray, type Maybe } from '../order.ts'
import { cannot } from '../refusal.ts'
import { isNothing, isTrue, type Operator } from './operator.ts'
import { has } from './sets.ts'

export const arrays: { readonly [name: string]: Operator } = {
  isArray: ([value]) => isArray(value),
  size: ([list]) => listIn(list).length,
  in: ([value, list]) => has(listIn(list), value),
  reverseArray: ([list]) => (isNothing(list) ? null : [...listIn(list)].reverse()),
  arrayElemAt: ([list, index]) => {
    if (isNothing(list) || isNothing(index)) return null
    return listIn(list).at(integerIn(index))
  },
  concatArrays: lists => {
    const all: Value[] = []
    for (const list of lists) {
      if (isNothing(list)) return null
      all.push(...listIn(list))
    }
    return all
  },
  indexOfArray: ([list, value, start, end]) => {
    if (isNothing(list)) return null
    const elements = listIn(list)
    const from = start === undefined ? 0 : positionIn(start)
    const to = end === undefined ? elements.length : Math.min(elements.length, positionIn(end))
    for (let at = from; at < to; at++) if (areEqual(elements[at], value)) return at
    return -1
  },
  range: ([start, end, step]) => {
    const [from, to, by] = [integerIn(start), integerIn(end), step === undefined ? 1 : integerIn(step)]
    if (by === 0) throw cannot('range: a step of 0')
    const numbers: number[] = []
    for (let number = from; by > 0 ? number < to : number > to; number += by) numbers.push(number)
    return numbers
  },
  slice: values => {
    if (values.some(isNothing)) return null
    const list = listIn(values[0])
    if (values.length === 2) {
      const count = integerIn(values[1])
      return count < 0 ? list.slice(count) : list.slice(0, count)
    }
    const [position, count] = [integerIn(values[1]), integerIn(values[2])]
    if (count <= 0) throw cannot('slice: the number of elements is positive')
    const from = position < 0 ? Math.max(0, list.length + position) : position
    return list.slice(from, from + count)
  },
  zip: ([options]) => {
    const inputs = listIn(fieldOf(options, 'inputs'))
    const lists: (readonly Value[])[] = []
    for (const input of inputs) {
      if (isNothing(input)) return null
      lists.push(listIn(input))
    }
    const lengths = lists.map(list => list.length)
    const isLong = isTrue(fieldOf(options, 'useLongestLength'))
    const defaults = fieldOf(options, 'defaults')
    const length = isLong ? Math.max(...lengths) : Math.min(...lengths)
    return Array.from({ length }, (_, at) =>
      lists.map((list, which) =>
        at < list.length ? list[at]! : isArray(defaults) ? defaults[which]! : null,
      ),
    )
  },
}

function listIn(value: Maybe): readonly Value[] {
  if (!isArray(value)) throw cannot('an array is expected')
  return value
}

/** A whole number of 32 bits. */
function integerIn(value: Maybe): number {
  if (typeof value !== 'number' || (value | 0) !== value) throw cannot('a whole number is expected')
  return value + 0
}

function positionIn(value: Maybe): number {
  const position = integerIn(value)
  if (position < 0) throw cannot('a position is not negative')
  return position
}
