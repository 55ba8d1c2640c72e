import type { Value } from '@nearcloud/protocol'
import type { Evaluate } from '../../scope.ts'
import { namedArguments, ofOne, ofSome, ofTwo, takes } from '../arguments.ts'
import type { Call, Operator } from '../call.ts'
import { isList, isNullish } from '../truth.ts'
import { typeName } from '../type-name.ts'
import { equalGiven } from './comparison.ts'
import { integerOf, searchedPart } from './numbers.ts'

type Given = Value | undefined

/** The array; null of null or nothing. */
function listOf(value: Given, call: Call): readonly Value[] | null {
  if (isList(value)) return value
  if (isNullish(value)) return null
  throw call.unfit(`takes an array, not ${typeName(value)}`)
}

/** From the end when negative; missing where there is none. */
const arrayElemAt = ofTwo((array, index, call) => {
  const list = listOf(array, call)
  if (list === null || isNullish(index)) return null
  const at = integerOf(index, call, 'the index')
  return list[at < 0 ? list.length + at : at]
})

const concatArrays = takes(0, Infinity, (given, call) => document => {
  const whole: Value[] = []
  for (const each of given) {
    const list = listOf(each(document), call)
    if (list === null) return null
    call.checkElements(whole.length + list.length)
    for (const item of list) whole.push(item)
  }
  call.meter.spend(whole.length)
  return Object.freeze(whole)
})

const isIn = ofTwo((value, array, call) => {
  if (!isList(array)) throw call.unfit(`takes an array to look in, not ${typeName(array)}`)
  return placeIn(array, value, 0, array.length, call) >= 0
})

/** `[array, value, start?, end?]`: -1 when it is not there. */
const indexOfArray = ofSome(2, 4, ([array, value, ...part], call) => {
  const list = listOf(array, call)
  if (list === null) return null
  const [start, end] = searchedPart(part, call)
  return placeIn(list, value, start, Math.min(end, list.length), call)
})

function placeIn(list: readonly Value[], value: Given, start: number, end: number, call: Call): number {
  call.meter.spend(Math.max(0, end - start))
  for (let i = start; i < end; i++) if (equalGiven(list[i], value, call)) return i
  return -1
}

/** `[start, end, step?]`: from `start` to before `end`. */
const range = ofSome(2, 3, ([from, to, by = 1], call) => {
  const start = integerOf(from, call, 'the start')
  const end = integerOf(to, call, 'the end')
  const step = integerOf(by, call, 'the step')
  if (step === 0) throw call.unfit('takes a step that is not 0')
  const count = Math.max(0, Math.ceil((end - start) / step))
  call.checkElements(count)
  call.meter.spend(count)
  const list: number[] = []
  for (let i = 0; i < count; i++) list.push(start + i * step)
  return Object.freeze(list)
})

const reverseArray = ofOne((array, call) => {
  const list = listOf(array, call)
  if (list === null) return null
  call.meter.spend(list.length)
  return Object.freeze([...list].reverse())
})

const size = ofOne((array, call) => {
  if (isList(array)) return array.length
  throw call.unfit(`takes an array, not ${typeName(array)}`)
})

/** `[array, n]`: the first n, or the last when negative. `[array, position, n]`: n from there, counted from the end when negative. */
const slice = ofSome(2, 3, (given, call) => {
  const list = listOf(given[0], call)
  if (list === null || given.some(isNullish)) return null
  const second = integerOf(given[1], call, given.length === 2 ? 'the count' : 'the position')
  const [from, count] =
    given.length === 2 ? [Math.min(second, 0), Math.abs(second)] : [second, countOf(given[2], call)]
  const begin = from < 0 ? Math.max(0, list.length + from) : from
  call.meter.spend(Math.min(count, list.length))
  return Object.freeze(list.slice(begin, begin + count))
})

function countOf(value: Given, call: Call): number {
  const count = integerOf(value, call, 'the count')
  if (count <= 0) throw call.unfit(`takes a positive count after a position, not ${count}`)
  return count
}

/** `{ inputs: [array, …], useLongestLength?, defaults?: [value, …] }`: lists of the first elements, the second, and so on. */
const zip: Operator = (argument, call) => {
  const named = namedArguments(argument, call, ['inputs'], ['useLongestLength', 'defaults'])
  if (named.inputs[0] !== 'list' || named.inputs[1].length === 0)
    throw call.refuse('takes a list of arrays as "inputs"')
  const longest = named.useLongestLength ?? ['value', false]
  if (longest[0] !== 'value' || typeof longest[1] !== 'boolean')
    throw call.refuse('takes true or false as "useLongestLength"')
  const inputs = named.inputs[1].map(each => call.compile(each))
  const defaults = named.defaults
  if (defaults && (defaults[0] !== 'list' || defaults[1].length !== inputs.length || !longest[1]))
    throw call.refuse('takes "defaults" with useLongestLength: true, one for each of the inputs')
  const fillers = defaults?.[0] === 'list' ? defaults[1].map(each => call.compile(each)) : []
  return document => zipped(inputs, fillers, longest[1] === true, document, call)
}

function zipped(
  inputs: readonly Evaluate[],
  fillers: readonly Evaluate[],
  toLongest: boolean,
  document: Value,
  call: Call,
): Value {
  const lists: (readonly Value[])[] = []
  for (const input of inputs) {
    const list = listOf(input(document), call)
    if (list === null) return null
    lists.push(list)
  }
  const lengths = lists.map(list => list.length)
  const rows = toLongest ? Math.max(...lengths) : Math.min(...lengths)
  call.checkElements(rows * lists.length)
  call.meter.spend(rows * lists.length)
  const filling = fillers.map(each => each(document))
  return Object.freeze(
    Array.from({ length: rows }, (_, row) =>
      Object.freeze(lists.map((list, i) => (row < list.length ? list[row]! : (filling[i] ?? null)))),
    ),
  )
}

export const arrays: Readonly<Record<string, Operator>> = {
  arrayElemAt,
  concatArrays,
  in: isIn,
  indexOfArray,
  isArray: ofOne(isList),
  range,
  reverseArray,
  size,
  slice,
  zip,
}
