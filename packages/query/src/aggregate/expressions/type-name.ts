import { kindOf, type Value } from '@nearcloud/protocol'

/** MongoDB's name of a value's type. A number is the smallest type it fits: `int`, `long`, else `double`. */
export function typeName(value: Value | undefined): string {
  if (value === undefined) return 'missing'
  const kind = kindOf(value)
  if (kind === 'number') return numberType(value as number)
  return names[kind]
}

function numberType(number: number): string {
  if (!Number.isInteger(number) || Object.is(number, -0)) return 'double'
  if (Math.abs(number + 0.5) < 2 ** 31) return 'int'
  return number >= -(2 ** 63) && number < 2 ** 63 ? 'long' : 'double'
}

const names = {
  null: 'null',
  boolean: 'bool',
  string: 'string',
  date: 'date',
  regexp: 'regex',
  geo: 'object',
  binary: 'binData',
  serverDate: 'date',
  newText: 'string',
  array: 'array',
  object: 'object',
} as const
