import { CloudError, type Value } from '@nearcloud/protocol'
import { namedArguments, ofOne } from '../arguments.ts'
import type { Call, Operator } from '../call.ts'
import { constant } from '../constant.ts'
import { isNullish } from '../truth.ts'
import { typeName } from '../type-name.ts'
import { dateAt } from './dates/arguments.ts'
import { isoInstant } from './dates/read-date.ts'
import { textOf, writtenOf } from './text.ts'

/** What a value that is neither null nor missing becomes; throws for what cannot become it. */
type Conversion = (value: Value, call: Call) => Value

const toBool: Conversion = (value, call) => {
  if (typeof value === 'boolean') return value
  if (typeof value === 'number') return value !== 0
  if (typeof value === 'string' || value instanceof Date) return true
  throw impossible(value, 'bool', call)
}

/** Any number, decimals among them, is a double here. */
const toDouble: Conversion = (value, call) => {
  if (typeof value === 'number') return value
  if (typeof value === 'boolean') return Number(value)
  if (value instanceof Date) return value.getTime()
  if (typeof value !== 'string') throw impossible(value, 'double', call)
  if (!decimalForm.test(textOf(value, call)))
    throw call.unfit(`cannot read the number "${value.slice(0, 100)}"`)
  const number = Number(value)
  if (!Number.isFinite(number)) throw outOfRange(value, call)
  return number
}

/** Numbers are cut towards 0; text is an integer in digits. */
function toInteger(name: string, least: number, beyond: number): Conversion {
  return (value, call) => {
    if (typeof value === 'string' && !integerForm.test(textOf(value, call)))
      throw call.unfit(`cannot read the integer "${value.slice(0, 100)}"`)
    if (value instanceof Date && name === 'int') throw impossible(value, name, call)
    const number = typeof value === 'object' && !(value instanceof Date) ? undefined : Number(value)
    if (number === undefined) throw impossible(value, name, call)
    const whole = Math.trunc(number) + 0
    if (!(whole >= least && whole < beyond)) throw outOfRange(value, call)
    return whole
  }
}

/** Of text in ISO form, and of milliseconds since 1970. */
const toDate: Conversion = (value, call) => {
  if (value instanceof Date) return value
  if (typeof value === 'number') return dateAt(value, call)
  if (typeof value !== 'string') throw impossible(value, 'date', call)
  const instant = isoInstant(value)
  if (instant === undefined)
    throw call.unfit(`cannot read the date "${value.slice(0, 100)}": write 2017-02-08T12:10:40.787Z`)
  return new Date(instant)
}

/** An id is the text of 24 hexadecimal digits that it is. */
const toObjectId: Conversion = (value, call) => {
  if (typeof value !== 'string') throw impossible(value, 'objectId', call)
  if (/^[0-9a-f]{24}$/i.test(value)) return value
  throw call.unfit(`takes 24 hexadecimal digits as an id, not "${value.slice(0, 100)}"`)
}

const toText: Conversion = (value, call) => {
  if (typeof value === 'boolean') return String(value)
  if (typeof value !== 'object' || value instanceof Date) return writtenOf(value, call)
  throw impossible(value, 'string', call)
}

const toInt = toInteger('int', -(2 ** 31), 2 ** 31)
const toLong = toInteger('long', -(2 ** 63), 2 ** 63)

/** By the names and the numbers of MongoDB's types. */
const conversionTo: ReadonlyMap<Value, Conversion> = new Map<Value, Conversion>([
  ...both('double', 1, toDouble),
  ...both('string', 2, toText),
  ...both('objectId', 7, toObjectId),
  ...both('bool', 8, toBool),
  ...both('date', 9, toDate),
  ...both('int', 16, toInt),
  ...both('long', 18, toLong),
  ...both('decimal', 19, toDouble),
])

function both(name: string, number: number, conversion: Conversion) {
  return [[name, conversion] as const, [number, conversion] as const]
}

/** `{ input, to, onError?, onNull? }` */
const convert: Operator = (argument, call) => {
  const named = namedArguments(argument, call, ['input', 'to'], ['onError', 'onNull'])
  const [input, to] = [call.compile(named.input), call.compile(named.to)]
  const onNull = named.onNull ? call.compile(named.onNull) : constant(null)
  const onError = named.onError && call.compile(named.onError)
  return document => {
    const type = to(document)
    if (isNullish(type)) return null
    const conversion = conversionTo.get(type)
    if (!conversion)
      throw call.unfit(`converts to ${typeNames.join(', ')}, not to ${JSON.stringify(type).slice(0, 100)}`)
    const value = input(document)
    if (isNullish(value)) return onNull(document)
    if (!onError) return conversion(value, call)
    try {
      return conversion(value, call)
    } catch (thrown) {
      if (!(thrown instanceof CloudError)) throw thrown
      return onError(document)
    }
  }
}

const typeNames = [...conversionTo.keys()].filter(name => typeof name === 'string')

/** Of null or nothing it is null. */
function to(conversion: Conversion): Operator {
  return ofOne((value, call) => (isNullish(value) ? null : conversion(value, call)))
}

export const conversions: Readonly<Record<string, Operator>> = {
  convert,
  toBool: to(toBool),
  toDate: to(toDate),
  /** A double: there are no decimals here. */
  toDecimal: to(toDouble),
  toDouble: to(toDouble),
  toInt: to(toInt),
  toLong: to(toLong),
  toObjectId: to(toObjectId),
  toString: to(toText),
  type: ofOne(typeName),
}

function impossible(value: Value, name: string, call: Call): CloudError {
  return call.unfit(`cannot make ${name} of ${typeName(value)}`)
}

function outOfRange(value: Value, call: Call): CloudError {
  return call.unfit(`cannot hold ${String(value).slice(0, 100)}: out of range`)
}

const integerForm = /^[+-]?\d+$/
const decimalForm = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/
