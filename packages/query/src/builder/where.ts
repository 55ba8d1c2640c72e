import { CloudError, geoFromJson, normalise, type Value } from '@nearcloud/protocol'
import { joinPath } from '../paths.ts'
import type { Filter } from '../types.ts'
import { checkDepth, isNothing, isPlainData, refuseRawOperator } from './plain-data.ts'
import { Command, LogicCommand, QueryCommand, testFrom } from './query-command.ts'
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
  if (condition instanceof QueryCommand)
    throw refuse('this command is a condition on one field: name the field, as in where({ field: _.gt(1) })')
  if (!isPlainData(condition)) throw refuse('查询参数必须为对象')
  const clauses: Filter[] = []
  const leftOut = collect(condition, '', clauses, 1)
  if (clauses.length === 0 && leftOut) throw refuse('查询参数对象值不能均为undefined')
  return clauses.length === 1 ? clauses[0]! : ['and', clauses]
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
    else if (value instanceof UpdateCommand)
      throw refuse(`where: "${path}" has an update command (_.${value.operator}), which is no condition`)
    else if (isPlainData(value) && !geoFromJson(value))
      leftOut = collect(value, path, clauses, depth + 1) || leftOut
    else clauses.push(['field', path, ['eq', whole(value, path)]])
  }
  return leftOut
}

function whole(value: unknown, path: string): Value {
  return normalise(value, { name: `where.${path}` })
}

function refuse(reason: string): CloudError {
  return new CloudError('INVALID_PARAM', { errMsg: reason })
}
