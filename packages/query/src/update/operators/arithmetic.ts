import { isPlainObject, kindOf, type Value } from '@nearcloud/protocol'
import { refuse } from '../../refusals.ts'
import type { Operation, Target } from './operation.ts'

export const inc: Operation = {
  kind: 'execute',
  check: argument => checkNumber('inc', argument),
  apply(current, argument, target) {
    if (current === undefined) return argument
    return numberIn(current, 'inc', target) + (argument as number)
  },
}

export const mul: Operation = {
  kind: 'execute',
  check: argument => checkNumber('mul', argument),
  apply(current, argument, target) {
    if (current === undefined) return 0
    return numberIn(current, 'mul', target) * (argument as number)
  },
}

/** A missing field is 0. Of several operations each is made on the result of the one before. */
export const bit: Operation = {
  kind: 'execute',
  check(argument) {
    const names = isPlainObject(argument) ? Object.keys(argument) : []
    if (names.length === 0 || !names.every(name => name === 'and' || name === 'or' || name === 'xor'))
      throw refuse('bit takes { and }, { or } or { xor }')
    if (!Object.values(argument as object).every(Number.isSafeInteger))
      throw refuse('bit: and, or and xor take an integer')
  },
  apply(current, argument, target) {
    if (current !== undefined && !Number.isSafeInteger(current))
      throw target.refuse(`Cannot apply $bit to a value that is no integer: the field '${target.path}'`)
    const operations = argument as { readonly [name in BitOperation]: number }
    const names = Object.keys(operations) as BitOperation[]
    return names.reduce(
      (result, name) => combine(result, operations[name], bits[name]),
      (current ?? 0) as number,
    )
  },
}

type BitOperation = 'and' | 'or' | 'xor'

const bits: Readonly<Record<BitOperation, (a: number, b: number) => number>> = {
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
}

/** On two's complements of 64 bits, by halves: the host's operators know 32. */
function combine(a: number, b: number, operation: (a: number, b: number) => number): number {
  const [highA, highB] = [Math.floor(a / half), Math.floor(b / half)]
  const high = operation(highA, highB)
  const low = operation((a - highA * half) | 0, (b - highB * half) | 0) >>> 0
  return high * half + low
}

const half = 2 ** 32

function checkNumber(operator: string, argument: Value): void {
  if (typeof argument !== 'number' || !Number.isFinite(argument))
    throw refuse(`${operator} takes a finite number`)
}

function numberIn(current: Value, operator: string, target: Target): number {
  if (typeof current === 'number') return current
  throw target.refuse(
    `Cannot apply $${operator} to a value of non-numeric type: the field '${target.path}' is of type ${kindOf(current)}`,
  )
}
