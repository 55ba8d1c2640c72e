import { GeoPoint, geoFromJson, RegExpValue, type Value } from '@nearcloud/protocol'
import type { ElementTest, Filter, Test } from '@nearcloud/query'
import { areEqual, classOf, compare, fieldOf, fieldsOf, isArray, type Maybe } from './order.ts'

/** Does the document match? `isTrue` computes the expression of an `expr`. */
export function matches(document: Value, filter: Filter, isTrue: IsTrue = cannotCompute): boolean {
  switch (filter[0]) {
    case 'and':
      return filter[1].every(part => matches(document, part, isTrue))
    case 'or':
      return filter[1].some(part => matches(document, part, isTrue))
    case 'nor':
      return !filter[1].some(part => matches(document, part, isTrue))
    case 'expr':
      return isTrue(document, filter[1])
    case 'field':
      return satisfies(reach(document, filter[1].split('.')), filter[2])
  }
}

export type IsTrue = (document: Value, expression: Extract<Filter, readonly ['expr', unknown]>[1]) => boolean

function cannotCompute(): never {
  throw new Error('no expressions here')
}

/** What a path leads to. An array reached by its name stands for its elements too. */
export interface Leaf {
  readonly value: Maybe
  readonly isSpread: boolean
}

const nothing: Leaf = { value: undefined, isSpread: false }

/** From an object (or an array seen as one: its indexes are names). */
export function reach(from: Value, [name, ...rest]: readonly string[]): readonly Leaf[] {
  const field = isArray(from) ? elementAt(from, name!) : fieldOf(from, name!)
  if (field === undefined) return [nothing]
  if (rest.length === 0) return [{ value: field, isSpread: true }]
  if (isArray(field)) return reachThrough(field, rest)
  return fieldsOf(field) ? reach(field, rest) : [nothing]
}

function reachThrough(array: readonly Value[], parts: readonly string[]): readonly Leaf[] {
  const leaves: Leaf[] = []
  const [name, ...rest] = parts
  array.forEach((element, index) => {
    if (fieldsOf(element)) leaves.push(...reach(element, parts))
    if (name !== String(index)) return
    if (rest.length === 0) leaves.push({ value: element, isSpread: false })
    else if (isArray(element)) leaves.push(...reachThrough(element, rest))
    else if (fieldsOf(element)) leaves.push(...reach(element, rest))
  })
  return leaves
}

function elementAt(array: readonly Value[], name: string): Maybe {
  const index = Number(name)
  return String(index) === name ? array[index] : undefined
}

function satisfies(leaves: readonly Leaf[], test: Test): boolean {
  switch (test[0]) {
    case 'and':
      return test[1].every(each => satisfies(leaves, each))
    case 'or':
      return test[1].some(each => satisfies(leaves, each))
    case 'not':
      return !satisfies(leaves, test[1])
    case 'neq':
      return !satisfies(leaves, ['eq', test[1]])
    case 'nin':
      return !satisfies(leaves, ['in', test[1]])
    case 'in':
      return test[1].some(value => satisfies(leaves, ['eq', value]))
    case 'all':
      return test[1].length > 0 && test[1].every(value => satisfies(leaves, ['eq', value]))
    case 'exists':
      return leaves.some(leaf => leaf.value !== undefined) === test[1]
    case 'size':
      return leaves.some(({ value }) => isArray(value) && value.length === test[1])
    case 'elemMatch':
      return leaves.some(({ value }) => isArray(value) && value.some(each => elementMatches(each, test[1])))
    default:
      return leaves.flatMap(candidates).some(value => holds(value, test))
  }
}

function candidates({ value, isSpread }: Leaf): readonly Maybe[] {
  return isSpread && isArray(value) ? [...value, value] : [value]
}

/** An element is what it is: no array in it is taken apart. */
export function elementMatches(element: Value, test: ElementTest): boolean {
  if ('is' in test) return satisfies([{ value: element, isSpread: false }], test.is)
  return (isArray(element) || fieldsOf(element) !== undefined) && elementHas(element, test.where)
}

function elementHas(element: Value, filter: Filter): boolean {
  return matches(element, filter)
}

type PlainTest = Exclude<
  Test,
  readonly ['and' | 'or' | 'not' | 'neq' | 'in' | 'nin' | 'all' | 'exists' | 'size' | 'elemMatch', unknown]
>

function holds(value: Maybe, test: PlainTest): boolean {
  switch (test[0]) {
    case 'eq':
      return isEqualOrFound(value, test[1] as Value)
    case 'gt':
    case 'gte':
    case 'lt':
    case 'lte':
      return isInOrder(value, test[0], test[1] as Value)
    case 'mod': {
      const [divisor, remainder] = test[1].map(Math.trunc) as [number, number]
      // as the original: only what is a whole number of 64 bits has a remainder
      if (typeof value !== 'number' || !(Math.abs(value) < 2 ** 63)) return false
      return Math.trunc(value) % divisor === remainder
    }
    case 'geoNear':
      return distancesOf(value, test[1]).length > 0
    case 'geoWithin': {
      const point = pointOf(value)
      if (!('centerSphere' in test[1])) throw new Error('the oracle knows no polygons')
      const [center, radians] = test[1].centerSphere
      return point !== undefined && metresBetween(point, center as GeoPoint) <= radians * earthRadius
    }
    case 'geoIntersects': {
      const [point, other] = [pointOf(value), pointOf(test[1].geometry)]
      return point !== undefined && other !== undefined && areEqual(point, other)
    }
    default:
      throw new Error(`the oracle has no test ${test[0]}`)
  }
}

function isEqualOrFound(value: Maybe, operand: Value): boolean {
  if (operand instanceof RegExpValue)
    return typeof value === 'string' && new RegExp(operand.pattern, `u${operand.options}`).test(value)
  if (value === undefined) return operand === null
  return areEqual(value, operand)
}

function isInOrder(value: Maybe, test: 'gt' | 'gte' | 'lt' | 'lte', operand: Value): boolean {
  const orEqual = test === 'gte' || test === 'lte'
  if (operand === null) return orEqual && (value === null || value === undefined)
  if (value === undefined || classOf(value) !== classOf(operand)) return false
  if (Number.isNaN(value) || Number.isNaN(operand)) return orEqual && areEqual(value, operand)
  const order = compare(value, operand)
  if (order === 0) return orEqual
  return test === 'gt' || test === 'gte' ? order > 0 : order < 0
}

/** The distance of the nearest point that a document's `geoNear` finds, in metres; undefined where it asks for none. */
export function distanceOf(document: Value, filter: Filter): number | undefined {
  if (filter[0] === 'and')
    return filter[1].map(part => distanceOf(document, part)).find(distance => distance !== undefined)
  if (filter[0] !== 'field') return undefined
  const near = nearIn(filter[2])
  if (!near) return undefined
  const reached = reach(document, filter[1].split('.')).flatMap(candidates)
  return Math.min(...reached.flatMap(value => distancesOf(value, near)))
}

type Near = Extract<Test, readonly ['geoNear', unknown]>[1]

function nearIn(test: Test): Near | undefined {
  if (test[0] === 'geoNear') return test[1]
  return test[0] === 'and' ? test[1].map(nearIn).find(near => near !== undefined) : undefined
}

function distancesOf(value: Maybe, { geometry, minDistance = 0, maxDistance = Infinity }: Near): number[] {
  const point = pointOf(value)
  const metres = point ? metresBetween(point, geometry as GeoPoint) : Number.NaN
  return metres >= minDistance && metres <= maxDistance ? [metres] : []
}

export function pointOf(value: Maybe): GeoPoint | undefined {
  const fields = fieldsOf(value)
  const geometry = fields && geoFromJson(fields)
  return geometry instanceof GeoPoint ? geometry : undefined
}

export const earthRadius = 6_378_100

/** The haversine formula. */
export function metresBetween(a: GeoPoint, b: GeoPoint): number {
  const radians = (degrees: number) => (degrees * Math.PI) / 180
  const [latitudeA, latitudeB] = [radians(a.latitude), radians(b.latitude)]
  const half = (angle: number) => Math.sin(angle / 2) ** 2
  const h =
    half(latitudeB - latitudeA) +
    Math.cos(latitudeA) * Math.cos(latitudeB) * half(radians(b.longitude - a.longitude))
  return 2 * earthRadius * Math.asin(Math.min(1, Math.sqrt(h)))
}
