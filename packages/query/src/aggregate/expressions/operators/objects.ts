import { geoFromJson, keyRefusal, type Value } from '@nearcloud/protocol'
import { asFields, hasOwn, isContainer } from '../../../paths.ts'
import { ofOne } from '../arguments.ts'
import type { Call, Operator } from '../call.ts'
import { isList, isNullish } from '../truth.ts'
import { typeName } from '../type-name.ts'

/** Of pairs `[key, value]` or objects `{ k, v }`, all of one form; the last of equal keys counts. */
const arrayToObject = ofOne((array, call) => {
  if (isNullish(array)) return null
  if (!isList(array)) throw call.unfit(`takes an array, not ${typeName(array)}`)
  call.meter.spend(4 * array.length)
  const read = isList(array[0]) ? pairOf : fieldOf
  const object: { [key: string]: Value } = {}
  for (const entry of array) {
    const [key, value] = read(entry, call)
    object[checkKey(key, call)] = value
  }
  return geoFromJson(object) ?? Object.freeze(object)
})

function pairOf(entry: Value, call: Call): readonly [Value, Value] {
  if (isList(entry) && entry.length === 2) return [entry[0]!, entry[1]!]
  throw call.unfit(`takes pairs of a key and a value after the first, not ${typeName(entry)}`)
}

function fieldOf(entry: Value, call: Call): readonly [Value, Value] {
  const fields = isContainer(entry) ? asFields(entry) : {}
  if (hasOwn(fields, 'k') && hasOwn(fields, 'v') && Object.keys(fields).length === 2)
    return [fields.k!, fields.v!]
  throw call.unfit('takes pairs [key, value], or objects { k, v } with nothing more, all of one form')
}

function checkKey(key: Value, call: Call): string {
  if (typeof key !== 'string') throw call.unfit(`takes text as a key, not ${typeName(key)}`)
  const reason = keyRefusal(key)
  if (reason !== undefined) throw call.unfit(`cannot make ${reason}`)
  return key
}

/** `[{ k, v }, …]` in stored order. */
const objectToArray = ofOne((object, call) => {
  if (isNullish(object)) return null
  if (!isContainer(object)) throw call.unfit(`takes an object, not ${typeName(object)}`)
  const fields = asFields(object)
  const keys = Object.keys(fields)
  call.meter.spend(4 * keys.length)
  return Object.freeze(keys.map(k => Object.freeze({ k, v: fields[k]! })))
})

export const objects: Readonly<Record<string, Operator>> = { arrayToObject, objectToArray }
