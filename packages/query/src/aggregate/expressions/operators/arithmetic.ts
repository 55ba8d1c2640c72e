import type { Value } from '@nearcloud/protocol'
import type { Evaluate } from '../../scope.ts'
import { ofOne, ofTwo, takes } from '../arguments.ts'
import type { Call, Operator } from '../call.ts'
import { constantOf } from '../constant.ts'
import { Summation } from '../summation.ts'
import { isNullish } from '../truth.ts'
import { typeName } from '../type-name.ts'
import { dateAt } from './dates/arguments.ts'

type Given = Value | undefined

/** Of null or nothing it is null; of anything else that is no number it cannot be computed. */
function ofNumber(compute: (number: number, call: Call) => number): Operator {
  return ofOne((value, call) => {
    if (typeof value === 'number') return compute(value, call)
    if (isNullish(value)) return null
    throw call.unfit(`takes a number, not ${typeName(value)}`)
  })
}

function ofNumbers(compute: (a: number, b: number, call: Call) => number): Operator {
  return ofTwo((a, b, call) => {
    if (typeof a === 'number' && typeof b === 'number') return compute(a, b, call)
    if (isNullish(a) || isNullish(b)) return null
    throw call.unfit(`takes two numbers, not ${typeName(a)} and ${typeName(b)}`)
  })
}

/** The sum of numbers, or a date and so many milliseconds. */
const add = takes(0, Infinity, (given, call) => {
  const any = (document: Value) => sumOf(given, document, call)
  if (given.length !== 2) return any
  const [left, right] = given as [Evaluate, Evaluate]
  const fixed = constantOf(right)?.value
  if (typeof fixed === 'number')
    return document => {
      const a = left(document)
      return typeof a === 'number' ? a + fixed : addGiven(a, fixed, call)
    }
  return document => {
    const a = left(document)
    if (typeof a !== 'number') return any(document)
    const b = right(document)
    return typeof b === 'number' ? a + b : addGiven(a, b, call)
  }
})

function addGiven(a: Given, b: Given, call: Call): Value {
  return sumOf([() => a, () => b], null, call)
}

function sumOf(given: readonly Evaluate[], document: Value, call: Call): Value {
  const sum = new Summation()
  let isDate = false
  for (const each of given) {
    const value = each(document)
    if (typeof value === 'number') sum.add(value)
    else if (isNullish(value)) return null
    else if (!(value instanceof Date)) throw call.unfit(`takes numbers and a date, not ${typeName(value)}`)
    else if (isDate) throw call.unfit('takes one date at most')
    else {
      isDate = true
      sum.add(value.getTime())
    }
  }
  return isDate ? dateAt(sum.total, call) : sum.total
}

const multiply = takes(0, Infinity, (given, call) => document => {
  let product = 1
  for (const each of given) {
    const value = each(document)
    if (typeof value === 'number') product *= value
    else if (isNullish(value)) return null
    else throw call.unfit(`takes numbers, not ${typeName(value)}`)
  }
  return product + 0 // no negative zero: a whole number has none
})

/** Of two numbers; of two dates their distance in milliseconds; a date and milliseconds before it. */
const subtract = ofTwo((a, b, call) => {
  if (typeof a === 'number' && typeof b === 'number') return a - b
  if (isNullish(a) || isNullish(b)) return null
  if (a instanceof Date && b instanceof Date) return a.getTime() - b.getTime()
  if (a instanceof Date && typeof b === 'number') return dateAt(a.getTime() - Math.trunc(b), call)
  throw call.unfit(
    `takes two numbers, two dates, or a date and a number, not ${typeName(a)} and ${typeName(b)}`,
  )
})

export const arithmetic: Readonly<Record<string, Operator>> = {
  add,
  subtract,
  multiply,
  divide: ofNumbers((a, b, call) => {
    if (b === 0) throw call.unfit('cannot divide by zero')
    return a / b
  }),
  mod: ofNumbers((a, b, call) => {
    if (b === 0) throw call.unfit('cannot divide by zero')
    return (a % b) + 0
  }),
  abs: ofNumber(Math.abs),
  ceil: ofNumber(Math.ceil),
  floor: ofNumber(Math.floor),
  trunc: ofNumber(Math.trunc),
  exp: ofNumber(Math.exp),
  sqrt: ofNumber((number, call) => {
    if (number < 0) throw call.unfit(`has no root of ${number}`)
    return Math.sqrt(number)
  }),
  pow: ofNumbers((base, exponent, call) => {
    if (base === 0 && exponent < 0) throw call.unfit('cannot raise 0 to a negative power')
    return base ** exponent
  }),
  ln: ofNumber((number, call) => Math.log(positive(number, call))),
  log10: ofNumber((number, call) => Math.log10(positive(number, call))),
  log: ofNumbers((number, base, call) => {
    if (base <= 0 || base === 1) throw call.unfit(`takes a base that is positive and not 1, not ${base}`)
    return logarithm(positive(number, call), base)
  }),
}

function positive(number: number, call: Call): number {
  if (number <= 0) throw call.unfit(`takes a positive number, not ${number}`)
  return number
}

/** The host's own logarithms are exact for powers of 2 and 10. */
function logarithm(number: number, base: number): number {
  if (base === 2) return Math.log2(number)
  if (base === 10) return Math.log10(number)
  return Math.log(number) / Math.log(base)
}
