import type { Value } from '@nearcloud/protocol'
import { ofOne, ofSome, ofTwo } from '../arguments.ts'
import type { Call, Operator } from '../call.ts'
import { isList, isNullish, isTrue } from '../truth.ts'
import { typeName } from '../type-name.ts'
import { ValueSet } from '../value-set.ts'

type Given = Value | undefined

/** The array; putting each of its elements into a set is paid for. */
function listOf(value: Given, call: Call): readonly Value[] {
  if (!isList(value)) throw call.unfit(`takes arrays, not ${typeName(value)}`)
  call.meter.weigh(value)
  call.meter.spend(4 * value.length)
  return value
}

function setOf(value: Given, call: Call): ValueSet {
  const set = new ValueSet()
  for (const item of listOf(value, call)) set.add(item)
  return set
}

const setUnion = ofSome(0, Infinity, (given, call) => {
  const union = new ValueSet()
  for (const each of given) {
    if (isNullish(each)) return null
    for (const item of listOf(each, call)) union.add(item)
  }
  return call.list([...union.values])
})

const setIntersection = ofSome(0, Infinity, (given, call) => {
  let common: readonly Value[] | undefined
  for (const each of given) {
    if (isNullish(each)) return null
    const set = setOf(each, call)
    common = common === undefined ? set.values : common.filter(item => set.has(item))
  }
  return call.list([...(common ?? [])])
})

const setDifference = ofTwo((a, b, call) => {
  if (isNullish(a) || isNullish(b)) return null
  const [left, right] = [setOf(a, call), setOf(b, call)]
  return call.list(left.values.filter(item => !right.has(item)))
})

const setIsSubset = ofTwo((a, b, call) => {
  const [inner, outer] = [setOf(a, call), setOf(b, call)]
  return inner.values.every(item => outer.has(item))
})

const setEquals = ofSome(2, Infinity, (given, call) => {
  const [first, ...others] = given.map(each => setOf(each, call))
  return others.every(
    other => other.values.length === first!.values.length && other.values.every(item => first!.has(item)),
  )
})

/** The order of what comes out is that of first appearance. */
export const sets: Readonly<Record<string, Operator>> = {
  setUnion,
  setIntersection,
  setDifference,
  setIsSubset,
  setEquals,
  allElementsTrue: ofOne((array, call) => listOf(array, call).every(isTrue)),
  anyElementTrue: ofOne((array, call) => listOf(array, call).some(isTrue)),
}
