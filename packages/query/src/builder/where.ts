import { geoFromJson, normalise, type Value } from '@nearcloud/protocol'
import { joinPath } from '../paths.ts'
import { refuse } from '../refusals.ts'
import type { Expression, Filter, Test } from '../types.ts'
import { ExpressionCall } from './expression-call.ts'
import { expressionFrom } from './expression-from.ts'
import { anyOf, Command, compare, LogicCommand, testFrom } from './logic-command.ts'
import { checkDepth, isNothing, isPlainData, refuseRawOperator } from './plain-data.ts'
import { UpdateCommand } from './update-command.ts'

/**
 * The filter a `where()` argument means: plain objects compare leaf by leaf, arrays and typed values whole, commands as
 * they say; `{}` matches all. Properties that are undefined are left out, but not all of them.
 *
 * Throws INVALID_PARAM, or DATABASE_INVALID_OPERATOR for raw operators.
 */
export function filterFrom(condition: unknown): Filter {
  if (condition instanceof LogicCommand) {
    const parts = condition.operands.map(filterFrom)
    return condition.operator === 'not' ? ['nor', parts] : [condition.operator, parts]
  }
  if (condition instanceof Command)
    throw refuse('this command is a condition on one field: name the field, as in where({ field: _.gt(1) })')
  if (!isPlainData(condition) && !(condition instanceof Computed)) throw refuse('查询参数必须为对象')
  const clauses: Filter[] = []
  const computed = (condition as Partial<Computed>)[computedCondition]
  if (computed) clauses.push(['expr', computed])
  const leftOut = collect(condition as Readonly<Record<string, unknown>>, '', clauses, 1)
  if (clauses.length === 0 && leftOut) throw refuse('查询参数对象值不能均为undefined')
  return clauses.length === 1 ? clauses[0]! : ['and', clauses]
}

/** No text of a stranger is a symbol. */
const computedCondition: unique symbol = Symbol('expr')

/** `_.expr(…)`: a whole condition, or spread among the fields of one; no value of a field. */
export class Computed {
  readonly [computedCondition]: Expression

  constructor(expression: unknown) {
    this[computedCondition] = expressionFrom(expression)
    Object.freeze(this)
  }
}

/** Adds a clause for each leaf; answers whether anything undefined was left out. */
function collect(
  object: Readonly<Record<string, unknown>>,
  at: string,
  clauses: Filter[],
  depth: number,
): boolean {
  checkDepth('where', depth)
  let leftOut = false
  for (const key of Object.keys(object)) {
    refuseRawOperator(key)
    const path = joinPath(at, key)
    const value = object[key]
    if (isNothing(value)) leftOut = true
    else if (value instanceof Command) clauses.push(['field', path, testFrom(value)])
    else if (value instanceof ExpressionCall) clauses.push(['field', path, testOfCall(value)])
    else if (value instanceof UpdateCommand)
      throw refuse(`where: "${path}" has an update command (_.${value.operator}), which is no condition`)
    else if (value instanceof Computed || (isPlainData(value) && computedCondition in value))
      throw refuse(`where: "${path}" has _.expr, which is a condition on the whole document`)
    else if (isPlainData(value) && !geoFromJson(value))
      leftOut = collect(value, path, clauses, depth + 1) || leftOut
    else clauses.push(['field', path, ['eq', whole(value, path)]])
  }
  return leftOut
}

/** `$.gte(date)` as a condition: what `_.gte(date)` is. */
function testOfCall({ operator, argument }: ExpressionCall): Test {
  switch (operator) {
    case 'eq':
    case 'neq':
    case 'gt':
    case 'gte':
    case 'lt':
    case 'lte':
      return compare(operator, argument)
    case 'in':
      return anyOf(operator, argument)
    default:
      throw refuse(`$.${operator} is no condition on a field: use db.command.${operator} or _.expr`)
  }
}

function whole(value: unknown, path: string): Value {
  return normalise(value, { name: `where.${path}` })
}
