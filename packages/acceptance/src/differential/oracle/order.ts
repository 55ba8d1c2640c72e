import { Geo, RegExpValue, type Value } from '@nearcloud/protocol'

/*
 * Values as the oracle sees them: geometries are the objects they are written as, and a missing value is `undefined`.
 */

export type Fields = { readonly [key: string]: Value }
export type Maybe = Value | undefined

/** The fields of an object or a geometry; undefined for everything else. */
export function fieldsOf(value: Maybe): Fields | undefined {
  if (value instanceof Geo) return { type: value.type, coordinates: value.coordinates as Value }
  return classOf(value) === 'object' ? (value as Fields) : undefined
}

export function isArray(value: Maybe): value is readonly Value[] {
  return Array.isArray(value)
}

/** A field of an object, by its own name only. */
export function fieldOf(value: Maybe, name: string): Maybe {
  const fields = fieldsOf(value)
  return fields && Object.hasOwn(fields, name) ? fields[name] : undefined
}

export type ValueClass = (typeof classes)[number]

/** In their order. */
const classes = [
  'missing',
  'null',
  'number',
  'string',
  'object',
  'array',
  'binary',
  'boolean',
  'date',
  'regexp',
] as const

export function classOf(value: Maybe): ValueClass {
  if (value === undefined) return 'missing'
  if (value === null) return 'null'
  if (typeof value === 'number') return 'number'
  if (typeof value === 'string') return 'string'
  if (typeof value === 'boolean') return 'boolean'
  if (Array.isArray(value)) return 'array'
  if (value instanceof Uint8Array) return 'binary'
  if (value instanceof Date) return 'date'
  return value instanceof RegExpValue ? 'regexp' : 'object'
}

/** Less than 0, 0 or more than 0. A missing value comes before null. */
export function compare(a: Maybe, b: Maybe): number {
  const [classA, classB] = [classOf(a), classOf(b)]
  if (classA !== classB) return classes.indexOf(classA) - classes.indexOf(classB)
  switch (classA) {
    case 'number':
      return compareNumbers(a as number, b as number)
    case 'string':
      return compareTexts(a as string, b as string)
    case 'object':
      return compareObjects(fieldsOf(a)!, fieldsOf(b)!)
    case 'array':
      return compareLists(a as readonly Value[], b as readonly Value[])
    case 'binary': {
      const [left, right] = [a as Uint8Array, b as Uint8Array]
      return left.length - right.length || compareLists([...left], [...right])
    }
    case 'boolean':
      return Number(a) - Number(b)
    case 'date':
      return (a as Date).getTime() - (b as Date).getTime()
    case 'regexp': {
      const [left, right] = [a as RegExpValue, b as RegExpValue]
      return compareTexts(left.pattern, right.pattern) || compareTexts(left.options, right.options)
    }
    default:
      return 0
  }
}

export function areEqual(a: Maybe, b: Maybe): boolean {
  return compare(a, b) === 0
}

/** As documents are matched and sorted: nothing is null. */
export function orNull(value: Maybe): Value {
  return value === undefined ? null : value
}

function compareNumbers(a: number, b: number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(b)) - Number(Number.isNaN(a))
  return a < b ? -1 : a > b ? 1 : 0
}

function compareTexts(a: string, b: string): number {
  const code = (character: string) => character.codePointAt(0)!
  return compareLists([...a].map(code), [...b].map(code))
}

function compareObjects(a: Fields, b: Fields): number {
  const [keysA, keysB] = [Object.keys(a), Object.keys(b)]
  for (let i = 0; i < Math.min(keysA.length, keysB.length); i++) {
    const [keyA, keyB] = [keysA[i]!, keysB[i]!]
    const [valueA, valueB] = [a[keyA], b[keyB]]
    const byClass = classes.indexOf(classOf(valueA)) - classes.indexOf(classOf(valueB))
    const order = byClass || compareTexts(keyA, keyB) || compare(valueA, valueB)
    if (order !== 0) return order
  }
  return keysA.length - keysB.length
}

function compareLists(a: readonly Value[], b: readonly Value[]): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const order = compare(a[i], b[i])
    if (order !== 0) return order
  }
  return a.length - b.length
}
