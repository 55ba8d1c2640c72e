import { kindOf, type Value } from '@nearcloud/protocol'
import { compareValues, equalValues } from '@nearcloud/query'
import { type Comparison, type Expression, nobody, type RuleValue } from './expression.ts'
import { documentFor, sizeFor } from './read-others.ts'
import { RuleEvaluationError, type Scope } from './scope.ts'

export { RuleEvaluationError, type Scope } from './scope.ts'

/**
 * Whether the rule holds, as a function of who asks for what. An error in its evaluation is a no. Throws ReadNeeded where
 * it reads what is not known.
 */
export function compileRule(rule: Expression): (scope: Scope) => boolean {
  const evaluate = compile(rule)
  return scope => {
    try {
      return isTruthy(evaluate(scope))
    } catch (thrown) {
      if (thrown instanceof RuleEvaluationError) return false
      throw thrown
    }
  }
}

/** What the expression is worth, as a function that throws RuleEvaluationError, and ReadNeeded. */
export function compile(expression: Expression): (scope: Scope) => RuleValue {
  switch (expression.kind) {
    case 'constant': {
      const { value } = expression
      return () => value
    }
    case 'array': {
      const items = expression.items.map(compile)
      return scope => arrayOf(items.map(item => item(scope)))
    }
    case 'variable': {
      const { name } = expression
      return scope => scope[name]
    }
    case 'claim': {
      const { name } = expression
      return scope => claimOf(scope.auth, name)
    }
    case 'member': {
      const object = compile(expression.object)
      const key = compile(expression.key)
      return scope => fieldOf(object(scope), key(scope))
    }
    case 'not': {
      const operand = compile(expression.operand)
      return scope => !isTruthy(operand(scope))
    }
    case 'missing': {
      const operand = compile(expression.operand)
      return scope => isMissing(operand(scope))
    }
    case 'matches': {
      const { pattern } = expression
      const operand = compile(expression.operand)
      return scope => {
        const text = operand(scope)
        return typeof text === 'string' && pattern.test(text)
      }
    }
    case 'compare': {
      const { operator } = expression
      return compilePair(expression, (left, right) => compares(left, operator, right))
    }
    case 'in':
      return compilePair(expression, isAmong)
    case 'plus':
      return compilePair(expression, plus)
    case 'and': {
      const [left, right] = [compile(expression.left), compile(expression.right)]
      return scope => isTruthy(left(scope)) && isTruthy(right(scope))
    }
    case 'or': {
      const [left, right] = [compile(expression.left), compile(expression.right)]
      return scope => isTruthy(left(scope)) || isTruthy(right(scope))
    }
    case 'get': {
      const { collection } = expression
      const id = compile(expression.id)
      return scope => documentFor(scope, collection, id(scope))
    }
    case 'size': {
      const { collection } = expression
      const fields = expression.where.map(([path, value]) => ({
        path,
        isWrittenNull: isNull(value),
        worth: compile(value),
      }))
      return scope =>
        sizeFor(
          scope,
          collection,
          fields.map(({ path, isWrittenNull, worth }) => ({ path, isWrittenNull, value: worth(scope) })),
        )
    }
  }
}

/** Is `null` what is written? */
export function isNull(expression: Expression): boolean {
  return expression.kind === 'constant' && expression.value === null
}

function compilePair(
  pair: { readonly left: Expression; readonly right: Expression },
  operation: (left: RuleValue, right: RuleValue) => RuleValue,
): (scope: Scope) => RuleValue {
  const [left, right] = [compile(pair.left), compile(pair.right)]
  return scope => operation(left(scope), right(scope))
}

/** As in JavaScript: nothing, `false`, `0`, NaN and empty text are not. */
export function isTruthy(value: RuleValue): boolean {
  return value !== nobody && Boolean(value)
}

export function isMissing(value: RuleValue): boolean {
  return value === nobody || value === undefined || value === null
}

export function claimOf(auth: Scope['auth'], name: string): RuleValue {
  return (auth !== null && Object.hasOwn(auth, name) ? auth[name] : undefined) ?? nobody
}

/**
 * One step into a value: an own field of an object, a part of a geometry, an element of an array by its index.
 * Anything else is undefined. A date that is found is read as its milliseconds.
 */
export function fieldOf(container: RuleValue, key: RuleValue): RuleValue {
  if (container === nobody) return nobody
  if (typeof container !== 'object' || container === null) return undefined
  if (typeof key !== 'string' && typeof key !== 'number') return undefined
  if (Object.getPrototypeOf(container) === Object.prototype) return ownField(container, key)
  switch (kindOf(container)) {
    case 'array':
      return indexForm.test(String(key)) ? readDate((container as readonly Value[])[Number(key)]) : undefined
    case 'object':
    case 'geo':
      return ownField(container, key)
    default:
      return undefined
  }
}

function ownField(container: object, key: string | number): Value | undefined {
  return Object.hasOwn(container, key)
    ? readDate((container as { readonly [key: string]: Value })[key])
    : undefined
}

export function readDate(value: Value | undefined): Value | undefined {
  return value instanceof Date ? value.getTime() : value
}

/** Strict on type; order exists among numbers and among texts only. Nobody compares with nothing. */
export function compares(left: RuleValue, operator: Comparison, right: RuleValue): boolean {
  if (left === nobody || right === nobody) return false
  if (operator === '==') return equals(left, right)
  if (typeof left === 'number' && typeof right === 'number') return isOrdered(left, operator, right)
  if (typeof left === 'string' && typeof right === 'string')
    return isOrdered(compareValues(left, right), operator, 0)
  return false
}

function isOrdered(left: number, operator: Exclude<Comparison, '=='>, right: number): boolean {
  switch (operator) {
    case '>':
      return left > right
    case '>=':
      return left >= right
    case '<':
      return left < right
    case '<=':
      return left <= right
  }
}

export function isAmong(value: RuleValue, list: RuleValue): boolean {
  return Array.isArray(list) && list.some(item => compares(value, '==', readDate(item as Value)))
}

function equals(left: Value | undefined, right: Value | undefined): boolean {
  if (left === right) return true
  if (isMissing(left) || isMissing(right)) return isMissing(left) && isMissing(right)
  if (typeof left !== 'object' || typeof right !== 'object') return false
  return equalValues(left, right) && !hasNobody(left)
}

/** A list in which a claim is that is not there, or another NaN, equals no other. */
function hasNobody(value: unknown): boolean {
  return Array.isArray(value) && value.some(item => Number.isNaN(item) || hasNobody(item))
}

export function plus(left: RuleValue, right: RuleValue): RuleValue {
  if (typeof left === 'number' && typeof right === 'number') return left + right
  if (isWord(left) && isWord(right)) {
    const text = `${left}${right}`
    if (text.length <= maxTextLength) return text
    throw new RuleEvaluationError(`"+" made a text of more than ${maxTextLength} characters`)
  }
  throw new RuleEvaluationError('"+" is for numbers and texts')
}

function isWord(value: RuleValue): value is string | number {
  return typeof value === 'string' || typeof value === 'number'
}

export function arrayOf(items: readonly RuleValue[]): readonly Value[] {
  // like nobody, NaN equals nothing that it is compared with
  return items.map(item => (item === nobody ? Number.NaN : (item ?? null)))
}

const indexForm = /^(?:0|[1-9][0-9]{0,8})$/
const maxTextLength = 65_536
