import { normalise, type UpdateOperator, type Value } from '@nearcloud/protocol'
import { refuse } from '../refusals.ts'
import { operations } from '../update/operators/index.ts'

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

export function mul(factor: number): UpdateCommand {
  if (typeof factor !== 'number') throw refuse('_.mul takes a number')
  return new UpdateCommand('mul', factor)
}

export function min(value: unknown): UpdateCommand {
  return new UpdateCommand('min', operandOf('min', value))
}

export function max(value: unknown): UpdateCommand {
  return new UpdateCommand('max', operandOf('max', value))
}

/** To another path, counted from the document, wherever the field is. */
export function rename(path: string): UpdateCommand {
  return new UpdateCommand('rename', operandOf('rename', path))
}

/** One or more of `{ and, or, xor }`. */
export function bit(operations: BitOperations | number): UpdateCommand {
  return new UpdateCommand('bit', operandOf('bit', operations))
}

export interface BitOperations {
  readonly and?: number
  readonly or?: number
  readonly xor?: number
}

function operandOf(name: string, value: unknown): Value {
  if (value === undefined) throw refuse(`_.${name}: undefined is no value`)
  return normalise(value, { name: `_.${name}` })
}
