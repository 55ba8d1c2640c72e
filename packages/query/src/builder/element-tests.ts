import type { Value } from '@nearcloud/protocol'
import { refuse } from '../refusals.ts'
import type { ElementTest, Test } from '../types.ts'
import { Command, LogicCommand, operandOf, testFrom } from './logic-command.ts'
import { isPlainData } from './plain-data.ts'
import { filterFrom } from './where.ts'

export function modulo(given: readonly unknown[]): Test {
  const [divisor, remainder] = given.length === 1 && Array.isArray(given[0]) ? given[0] : given
  if (typeof divisor !== 'number' || typeof remainder !== 'number')
    throw refuse('_.mod takes a divisor and a remainder')
  return ['mod', [divisor, remainder]]
}

export function exists(wanted: unknown): Test {
  if (typeof wanted !== 'boolean') throw refuse('_.exists takes true or false')
  return ['exists', wanted]
}

export function all(values: unknown): Test {
  if (!Array.isArray(values)) throw refuse('_.all takes an array')
  return ['all', values.map((value): Value => operandOf('all', value ?? null))]
}

export function size(count: unknown): Test {
  if (typeof count !== 'number') throw refuse('_.size takes a number')
  return ['size', count]
}

/** What an element has to be: an object of conditions on its fields, or a command for the element itself. */
export function elementTestFrom(operator: string, condition: unknown): ElementTest {
  if (isCondition(condition)) return { where: filterFrom(condition) }
  if (condition instanceof Command) return { is: testFrom(condition) }
  throw refuse(`_.${operator} takes an object of conditions or a command`)
}

/** An object of conditions, or a logic of such objects. */
export function isCondition(condition: unknown): boolean {
  return condition instanceof LogicCommand ? condition.operands.every(isCondition) : isPlainData(condition)
}
