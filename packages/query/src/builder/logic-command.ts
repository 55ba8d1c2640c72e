import { normalise, RegExpValue, type Value } from '@nearcloud/protocol'
import { refuse } from '../refusals.ts'
import { compileRegExp } from '../regex/regexp.ts'
import type { Test } from '../types.ts'

type Comparison = 'eq' | 'neq' | 'gt' | 'gte' | 'lt' | 'lte'

/** A condition made with `db.command`. What can follow in a chain is joined by *and*, but for `or` and `nor`. */
export abstract class Command {
  /** Of a condition on a value: all of them hold. */
  abstract readonly tests: readonly Test[] | undefined

  and(...operands: unknown[]): LogicCommand {
    return new LogicCommand('and', [this, ...listOf(operands)])
  }

  or(...operands: unknown[]): LogicCommand {
    return new LogicCommand('or', [this, ...listOf(operands)])
  }

  /** Neither this nor any of them. */
  nor(...operands: unknown[]): LogicCommand {
    return new LogicCommand('nor', [this, ...listOf(operands)])
  }

  /** This, and not that. */
  not(operand: unknown): LogicCommand {
    return this.and(new LogicCommand('not', [operand]))
  }
}

/** `_.and`, `_.or`, `_.nor`, `_.not`: of commands or values on one field, or of whole conditions. */
export class LogicCommand extends Command {
  readonly operator: 'and' | 'or' | 'nor' | 'not'
  readonly operands: readonly unknown[]
  declare readonly tests: undefined

  constructor(operator: 'and' | 'or' | 'nor' | 'not', operands: readonly unknown[]) {
    super()
    if (operands.length === 0) throw refuse(`_.${operator} takes at least one condition`)
    this.operator = operator
    this.operands = operands
    Object.freeze(this)
  }
}

/** The test that a command, or a plain value to be equal to, makes of one field. */
export function testFrom(operand: unknown): Test {
  if (operand instanceof LogicCommand) return testOfLogic(operand)
  return operand instanceof Command ? together(operand.tests!) : compare('eq', operand)
}

function testOfLogic({ operator, operands }: LogicCommand): Test {
  const tests = operands.map(testFrom)
  if (operator === 'and' || operator === 'or') return [operator, tests]
  return ['not', operator === 'nor' ? ['or', tests] : together(tests)]
}

function together(tests: readonly Test[]): Test {
  return tests.length === 1 ? tests[0]! : ['and', tests]
}

export function compare(operator: Comparison, value: unknown): Test {
  const operand = operandOf(operator, value)
  if (operator === 'eq' || operator === 'neq') return [operator, operand]
  if (operand instanceof RegExpValue) throw refuse(`_.${operator}: a regular expression has no order`)
  return [operator, operand]
}

export function anyOf(operator: 'in' | 'nin', values: unknown): Test {
  if (!Array.isArray(values)) throw refuse(`_.${operator} takes an array`)
  return [operator, values.map(value => operandOf(operator, value ?? null))]
}

/** The conditions of a logic command: listed, or in one array. */
export function listOf(operands: readonly unknown[]): readonly unknown[] {
  return operands.length === 1 && Array.isArray(operands[0]) ? operands[0] : operands
}

/** Throws INVALID_PARAM unless the value can be compared with. */
export function operandOf(operator: string, value: unknown): Value {
  if (value === undefined) throw refuse(`_.${operator}: undefined is nothing to compare with`)
  if (value instanceof Command) throw refuse(`_.${operator} takes a value, not another command`)
  const operand = normalise(value, { name: `_.${operator}` })
  if (operand instanceof RegExpValue) compileRegExp(operand)
  return operand
}
