import { CloudError, geoFromJson, normalise } from '@nearcloud/protocol'
import { checkPath } from '../paths.ts'
import type { Expression } from '../types.ts'
import { ExpressionCall } from './expression-call.ts'
import { checkDepth, isNothing, isPlainData, refuseRawOperator } from './plain-data.ts'

/**
 * The expression an argument of `$` or of a stage means: text that begins with `$` is a path (`$$` a variable), calls,
 * arrays and plain objects hold further expressions, everything else is the value it is.
 *
 * Throws INVALID_PARAM; DATABASE_INVALID_OPERATOR for raw operators.
 */
export function expressionFrom(given: unknown, depth = 1): Expression {
  checkDepth('an expression', depth)
  if (typeof given === 'string' && given.startsWith('$')) return named(given)
  if (given instanceof ExpressionCall)
    return given.operator === 'literal'
      ? ['value', literal(given.argument)]
      : ['call', given.operator, expressionFrom(given.argument, depth + 1)]
  if (Array.isArray(given)) return ['list', given.map(item => expressionFrom(item ?? null, depth + 1))]
  if (!isPlainData(given) || geoFromJson(given)) return ['value', literal(given)]
  const fields: (readonly [string, Expression])[] = []
  for (const key of Object.keys(given)) {
    refuseRawOperator(key, 'db.command.aggregate')
    if (!isNothing(given[key])) fields.push([key, expressionFrom(given[key], depth + 1)])
  }
  return ['object', fields]
}

function named(text: string): Expression {
  const [first, ...rest] = text.split('.')
  const path = rest.join('.')
  if (!text.startsWith('$$')) {
    const whole = text.slice(1)
    checkPath(whole)
    return ['path', whole]
  }
  if (rest.length > 0) checkPath(path)
  const name = first!.slice(2)
  if (name === 'ROOT' || name === 'CURRENT') return ['path', path]
  return ['variable', name, path]
}

function literal(given: unknown) {
  if (given === undefined)
    throw new CloudError('INVALID_PARAM', { errMsg: 'an expression cannot be undefined' })
  return normalise(given, { name: 'an expression', serverDates: false })
}
