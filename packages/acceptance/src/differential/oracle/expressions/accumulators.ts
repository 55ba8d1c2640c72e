import type { Value } from '@nearcloud/protocol'
import { compare, type Fields, fieldsOf, type Maybe } from '../order.ts'
import { cannot } from '../refusal.ts'
import { distinct } from './sets.ts'

/** What a group's accumulator makes of the values of its documents, in their order. */
export function accumulated(name: string, values: readonly Maybe[]): Value {
  const numbers = values.filter(value => typeof value === 'number')
  const present = values.filter(value => value !== undefined)
  const something = present.filter(value => value !== null)
  const sum = numbers.reduce((total, number) => total + number, 0)
  switch (name) {
    case 'sum':
      return sum
    case 'avg':
      return numbers.length === 0 ? null : sum / numbers.length
    case 'min':
      return something.reduce<Value>(
        (least, each) => (compare(each, least) < 0 ? each : least),
        something[0] ?? null,
      )
    case 'max':
      return something.reduce<Value>(
        (most, each) => (compare(each, most) > 0 ? each : most),
        something[0] ?? null,
      )
    case 'first':
      return values[0] ?? null
    case 'last':
      return values.at(-1) ?? null
    case 'push':
      return present
    case 'addToSet':
      return distinct(present)
    case 'mergeObjects':
      return Object.assign({}, ...something.map(objectIn))
    case 'stdDevPop':
      return numbers.length === 0 ? null : Math.sqrt(squares(numbers) / numbers.length)
    case 'stdDevSamp':
      return numbers.length < 2 ? null : Math.sqrt(squares(numbers) / (numbers.length - 1))
  }
  throw new Error(`the oracle has no accumulator ${name}`)
}

function objectIn(value: Maybe): Fields {
  const fields = fieldsOf(value)
  if (!fields) throw cannot('mergeObjects of no object')
  return fields
}

/** The sum of the squares of the distances from the mean, number by number, so that equal numbers have none. */
function squares(numbers: readonly number[]): number {
  let [mean, sum] = [0, 0]
  numbers.forEach((number, at) => {
    const distance = number - mean
    mean += distance / (at + 1)
    sum += distance * (number - mean)
  })
  return sum
}
