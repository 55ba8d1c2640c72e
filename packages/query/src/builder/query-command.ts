import { normalise, RegExpValue, type Value } from '@nearcloud/protocol'
import { refuse } from '../refusals.ts'
import { compileRegExp } from '../regex/regexp.ts'
import type { Test } from '../types.ts'
import {
  type GeoIntersectsOptions,
  type GeoNearOptions,
  type GeoWithinOptions,
  intersecting,
  near,
  within,
} from './geo-tests.ts'

type Comparison = 'eq' | 'neq' | 'gt' | 'gte' | 'lt' | 'lte'

/** A condition made with `db.command`. What can follow in a chain is joined by *and* (`or` by *or*). */
export abstract class Command {
  and(...operands: unknown[]): LogicCommand {
    return new LogicCommand('and', [this, ...listOf(operands)])
  }

  or(...operands: unknown[]): LogicCommand {
    return new LogicCommand('or', [this, ...listOf(operands)])
  }
}

/** A condition on one field's value: `_.gt(1)`, `_.in([1, 2])`, and chains of them. */
export class QueryCommand extends Command {
  /** All of them hold. */
  readonly tests: readonly Test[]

  constructor(tests: readonly Test[]) {
    super()
    this.tests = tests
    Object.freeze(this)
  }

  eq(value: unknown): QueryCommand {
    return this.#plus(compare('eq', value))
  }
  neq(value: unknown): QueryCommand {
    return this.#plus(compare('neq', value))
  }
  gt(value: unknown): QueryCommand {
    return this.#plus(compare('gt', value))
  }
  gte(value: unknown): QueryCommand {
    return this.#plus(compare('gte', value))
  }
  lt(value: unknown): QueryCommand {
    return this.#plus(compare('lt', value))
  }
  lte(value: unknown): QueryCommand {
    return this.#plus(compare('lte', value))
  }
  in(values: readonly unknown[]): QueryCommand {
    return this.#plus(anyOf('in', values))
  }
  nin(values: readonly unknown[]): QueryCommand {
    return this.#plus(anyOf('nin', values))
  }
  geoNear(options: GeoNearOptions): QueryCommand {
    return this.#plus(near(options))
  }
  geoWithin(options: GeoWithinOptions): QueryCommand {
    return this.#plus(within(options))
  }
  geoIntersects(options: GeoIntersectsOptions): QueryCommand {
    return this.#plus(intersecting(options))
  }

  #plus(test: Test): QueryCommand {
    return new QueryCommand([...this.tests, test])
  }
}

/** `_.and`, `_.or`, `_.nor`, `_.not`: of commands or values on one field, or of whole conditions. */
export class LogicCommand extends Command {
  readonly operator: 'and' | 'or' | 'nor' | 'not'
  readonly operands: readonly unknown[]

  constructor(operator: 'and' | 'or' | 'nor' | 'not', operands: readonly unknown[]) {
    super()
    if (operands.length === 0) throw refuse(`_.${operator} takes at least one condition`)
    this.operator = operator
    this.operands = operands
    Object.freeze(this)
  }
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

export function exists(wanted: unknown): Test {
  if (typeof wanted !== 'boolean') throw refuse('_.exists takes true or false')
  return ['exists', wanted]
}

/** The test that a command, or a plain value to be equal to, makes of one field. */
export function testFrom(operand: unknown): Test {
  if (operand instanceof QueryCommand)
    return operand.tests.length === 1 ? operand.tests[0]! : ['and', operand.tests]
  if (!(operand instanceof LogicCommand)) return compare('eq', operand)
  const tests = operand.operands.map(testFrom)
  switch (operand.operator) {
    case 'and':
    case 'or':
      return [operand.operator, tests]
    case 'nor':
      return ['not', ['or', tests]]
    case 'not':
      return ['not', tests.length === 1 ? tests[0]! : ['and', tests]]
  }
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
