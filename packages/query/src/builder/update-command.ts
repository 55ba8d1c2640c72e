import { CloudError, normalise, type UpdateOperator, type Value } from '@nearcloud/protocol'
import { operations } from '../update/operators/index.ts'
import { isPlainData } from './plain-data.ts'

/** How a field changes, made with `db.command`: `_.inc(1)`. */
export class UpdateCommand {
  readonly operator: UpdateOperator
  readonly argument: Value

  constructor(operator: UpdateOperator, argument: Value) {
    operations[operator].check(argument)
    this.operator = operator
    this.argument = argument
    Object.freeze(this)
  }
}

export function set(value: unknown): UpdateCommand {
  if (value === undefined) throw refuse('_.set: undefined cannot be stored (use _.remove())')
  return new UpdateCommand('set', normalise(value, { name: '_.set' }))
}

export function remove(): UpdateCommand {
  return new UpdateCommand('remove', null)
}

export function inc(amount: number): UpdateCommand {
  if (typeof amount !== 'number') throw refuse('_.inc takes a number')
  return new UpdateCommand('inc', amount)
}

/** `push(x)`, `push(x, y)`, `push([x, y])`, `push({ each: [x, y] })`; one array as an element is `push([[x, y]])`. */
export function push(...values: unknown[]): UpdateCommand {
  const [first] = values
  const each = values.length === 1 && isPlainData(first) ? eachOf('push', first) : undefined
  if (each) return new UpdateCommand('push', each)
  const list = values.length === 1 && Array.isArray(first) ? first : values
  return new UpdateCommand('push', normalise(list, { name: '_.push' }))
}

/** `addToSet(x)` adds one element, arrays too; `addToSet({ each: [x, y] })` adds each. */
export function addToSet(value: unknown): UpdateCommand {
  const each = isPlainData(value) ? eachOf('addToSet', value) : undefined
  return new UpdateCommand('addToSet', each ?? normalise([value], { name: '_.addToSet' }))
}

function eachOf(operator: string, options: Readonly<Record<string, unknown>>): Value | undefined {
  const each = options.each ?? options.$each
  if (each === undefined) return undefined
  for (const name of Object.keys(options))
    if (name !== 'each' && name !== '$each') throw refuse(`_.${operator}: "${name}" is not supported yet`)
  if (!Array.isArray(each)) throw refuse(`_.${operator}: "each" is an array`)
  return normalise(each, { name: `_.${operator}` })
}

function refuse(reason: string): CloudError {
  return new CloudError('INVALID_PARAM', { errMsg: reason })
}
