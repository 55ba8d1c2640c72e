import { RegExpValue, type Value } from '@nearcloud/protocol'
import { checkPath } from '../paths.ts'
import { compileRegExp } from '../regex/regexp.ts'
import type { ElementTest, Filter, Test } from '../types.ts'
import { type Budget, fullBudget, spend } from './budget.ts'
import { expressionOf } from './parse-expression.ts'
import { areaOf, nearOf, shapeOf } from './parse-geo.ts'
import { plainValue } from './plain-value.ts'
import { asRecord, asTuple, refuse, shown, unknownOperator } from './shapes.ts'

/** The filter of a tree, alone; as `parseQuery`. */
export function parseFilter(tree: unknown): Filter {
  return filterOf(tree, fullBudget(), 1, true)
}

/** The test of an element that a tree means; as `parseFilter`. */
export function parseElementTest(tree: unknown): ElementTest {
  return elementTestOf(tree, { ...fullBudget(), isOfElement: true }, 1)
}

/** `conjunct`: every match satisfies it (not inside an alternative or a negation). */
function filterOf(tree: unknown, budget: Budget, depth: number, conjunct: boolean): Filter {
  const [operator, ...rest] = asTuple(tree, 'a filter')
  spend(budget, depth)
  switch (operator) {
    case 'and':
    case 'or':
    case 'nor': {
      const [parts] = rest
      if (rest.length !== 1 || !Array.isArray(parts)) throw refuse(`"${operator}" takes a list of filters`)
      const inner = parts.map(part => filterOf(part, budget, depth + 1, conjunct && operator === 'and'))
      return Object.freeze([operator, Object.freeze(inner)] as const)
    }
    case 'field': {
      const [path, test] = rest
      if (rest.length !== 2) throw refuse('"field" takes a path and a test')
      checkPath(path)
      return Object.freeze([operator, path, testOf(test, budget, depth + 1, conjunct)] as const)
    }
    case 'expr':
      if (rest.length !== 1) throw refuse('"expr" takes one expression')
      if (budget.isOfElement) throw refuse('"expr" is a condition on documents, not on elements')
      return Object.freeze([operator, expressionOf(rest[0], budget, depth + 1)] as const)
  }
  throw unknownOperator(operator)
}

function testOf(tree: unknown, budget: Budget, depth: number, conjunct: boolean): Test {
  const [operator, ...rest] = asTuple(tree, 'a test')
  spend(budget, depth)
  if (rest.length !== 1) throw refuse(`${shown(operator)} takes exactly one argument`)
  const argument = rest[0]
  switch (operator) {
    case 'eq':
    case 'neq':
      return Object.freeze([operator, operandOf(argument, budget)] as const)
    case 'gt':
    case 'gte':
    case 'lt':
    case 'lte': {
      const operand = operandOf(argument, budget)
      if (operand instanceof RegExpValue) throw refuse(`a regular expression has no order: "${operator}"`)
      return Object.freeze([operator, operand] as const)
    }
    case 'in':
    case 'nin': {
      if (!Array.isArray(argument)) throw refuse(`"${operator}" takes a list`)
      const operands = argument.map(each => operandOf(each, budget))
      return Object.freeze([operator, Object.freeze(operands)] as const)
    }
    case 'exists':
      if (typeof argument !== 'boolean') throw refuse('"exists" takes true or false')
      return Object.freeze([operator, argument] as const)
    case 'mod':
      return Object.freeze([operator, divisionOf(argument)] as const)
    case 'all': {
      if (!Array.isArray(argument)) throw refuse('"all" takes a list')
      const operands = argument.map(each => {
        spend(budget, depth)
        return operandOf(each, budget)
      })
      return Object.freeze([operator, Object.freeze(operands)] as const)
    }
    case 'size':
      if (!Number.isSafeInteger(argument) || (argument as number) < 0)
        throw refuse('"size" takes a whole number, 0 or more')
      return Object.freeze([operator, argument as number] as const)
    case 'elemMatch':
      return Object.freeze([operator, elementTestOf(argument, budget, depth + 1)] as const)
    case 'geoWithin':
      return Object.freeze([operator, areaOf(argument, budget)] as const)
    case 'geoIntersects':
      return Object.freeze([operator, shapeOf(argument, '"geoIntersects"', budget)] as const)
    case 'geoNear':
      if (!conjunct || budget.distances-- <= 0)
        throw refuse('one "geoNear" is possible, and not inside "or", "nor" or "not"')
      return Object.freeze([operator, nearOf(argument)] as const)
    case 'and':
    case 'or': {
      if (!Array.isArray(argument)) throw refuse(`"${operator}" takes a list of tests`)
      const inner = argument.map(each => testOf(each, budget, depth + 1, conjunct && operator === 'and'))
      return Object.freeze([operator, Object.freeze(inner)] as const)
    }
    case 'not':
      return Object.freeze([operator, testOf(argument, budget, depth + 1, false)] as const)
  }
  throw unknownOperator(operator)
}

function operandOf(tree: unknown, budget: Budget): Value {
  const value = plainValue(tree)
  if (value instanceof RegExpValue) {
    spend(budget, 1)
    compileRegExp(value)
  }
  return value
}

export function elementTestOf(tree: unknown, budget: Budget, depth: number): ElementTest {
  const source = asRecord(tree, 'a test of elements', ['where', 'is'])
  if ((source.where === undefined) === (source.is === undefined))
    throw refuse('a test of elements has either "where" or "is"')
  const outside = budget.isOfElement ?? false
  budget.isOfElement = true
  const test = Object.freeze(
    source.is === undefined
      ? { where: filterOf(source.where, budget, depth, false) }
      : { is: testOf(source.is, budget, depth, false) },
  )
  budget.isOfElement = outside
  return test
}

function divisionOf(tree: unknown): readonly [divisor: number, remainder: number] {
  const numbers = asTuple(tree, 'the argument of "mod"')
  const [divisor, remainder] = numbers
  if (numbers.length !== 2 || !Number.isFinite(divisor) || !Number.isFinite(remainder))
    throw refuse('"mod" takes a divisor and a remainder')
  if (Math.trunc(divisor as number) === 0) throw refuse('"mod": the divisor cannot be 0')
  return Object.freeze([divisor as number, remainder as number])
}
