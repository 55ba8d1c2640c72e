import { pathOf } from './doc-path.ts'
import {
  arrayOf,
  claimOf,
  compares,
  fieldOf,
  isAmong,
  isMissing,
  isNull,
  isTruthy,
  plus,
  RuleEvaluationError,
  type Scope,
} from './evaluate.ts'
import { type Expression, nobody, type RuleValue } from './expression.ts'
import type { Facts } from './facts.ts'
import { documentFor, type RuleField, sizeFor } from './read-others.ts'

/** What a proof may cost. Throws RuleEvaluationError when that is spent. */
export class Steps {
  #taken = 0

  count(steps: number): void {
    this.#taken += steps
    if (this.#taken > maxSteps) throw new RuleEvaluationError(`more than ${maxSteps} steps`)
  }

  /** The facts, looked at once. */
  look(facts: Facts): Facts {
    this.count(facts.size)
    return facts
  }
}

/**
 * The expression with everything known put in and worked out: `auth`, `now`, and the fields of `doc` that the facts pin
 * down, and what is read of other documents; without `reads` that stays as it is. Throws RuleEvaluationError where
 * evaluating it would, and ReadNeeded.
 */
export function reduce(expression: Expression, scope: Scope, facts: Facts, steps: Steps): Expression {
  steps.count(1)
  const next = (part: Expression) => reduce(part, scope, facts, steps)
  switch (expression.kind) {
    case 'constant':
      return expression
    case 'claim':
      return constant(claimOf(scope.auth, expression.name))
    case 'variable':
      return expression.name === 'doc' ? expression : constant(scope[expression.name])
    case 'member': {
      const [object, key] = [next(expression.object), next(expression.key)]
      if (object.kind === 'constant' && key.kind === 'constant')
        return constant(fieldOf(object.value, key.value))
      const member: Expression = { kind: 'member', object, key }
      const path = pathOf(member)
      const known = path === undefined ? undefined : steps.look(facts).valueOf(path)
      return known ? constant(known.value) : member
    }
    case 'array': {
      const items = expression.items.map(next)
      return items.every(isConstant)
        ? constant(arrayOf(items.map(item => item.value)))
        : { kind: 'array', items }
    }
    case 'not': {
      const operand = next(expression.operand)
      return operand.kind === 'constant' ? constant(!isTruthy(operand.value)) : { kind: 'not', operand }
    }
    case 'and':
    case 'or': {
      const decisive = expression.kind === 'or'
      const left = next(expression.left)
      if (left.kind === 'constant' && isTruthy(left.value) === decisive) return constant(decisive)
      const right = next(expression.right)
      if (right.kind === 'constant' && isTruthy(right.value) === decisive) return constant(decisive)
      if (left.kind === 'constant') return right
      if (right.kind === 'constant') return left
      return { kind: expression.kind, left, right }
    }
    case 'matches': {
      const operand = next(expression.operand)
      if (operand.kind !== 'constant') return { ...expression, operand }
      return constant(typeof operand.value === 'string' && expression.pattern.test(operand.value))
    }
    case 'missing': {
      const operand = next(expression.operand)
      return operand.kind === 'constant' ? constant(isMissing(operand.value)) : { kind: 'missing', operand }
    }
    case 'compare': {
      const { operator } = expression
      const [left, right] = [next(expression.left), next(expression.right)]
      if (isNobody(left) || isNobody(right)) return constant(false)
      return left.kind === 'constant' && right.kind === 'constant'
        ? constant(compares(left.value, operator, right.value))
        : { kind: 'compare', operator, left, right }
    }
    case 'in': {
      const left = next(expression.left)
      if (isNobody(left)) return constant(false)
      const list = pathOf(expression.right)
      // the filter `list: x` says that x is among the list, not that the list is x
      if (list !== undefined && left.kind === 'constant' && steps.look(facts).holds(list, left.value))
        return constant(true)
      const known = next(expression.right)
      const isElement = list !== undefined && isConstant(known) && !Array.isArray(known.value)
      const right = isElement ? expression.right : known
      return left.kind === 'constant' && right.kind === 'constant'
        ? constant(isAmong(left.value, right.value))
        : { kind: 'in', left, right }
    }
    case 'plus': {
      const [left, right] = [next(expression.left), next(expression.right)]
      return left.kind === 'constant' && right.kind === 'constant'
        ? constant(plus(left.value, right.value))
        : { kind: 'plus', left, right }
    }
    case 'get': {
      const { collection } = expression
      const id = next(expression.id)
      return id.kind === 'constant' && scope.reads
        ? constant(documentFor(scope, collection, id.value))
        : { kind: 'get', collection, id }
    }
    case 'size': {
      const { collection } = expression
      const where = expression.where.map(([path, value]) => [path, foundNull(value, next(value))] as const)
      const fields = where.flatMap(([path, value]): RuleField[] =>
        isConstant(value) ? [{ path, value: value.value, isWrittenNull: isNull(value) }] : [],
      )
      return fields.length === where.length && scope.reads
        ? constant(sizeFor(scope, collection, fields))
        : { kind: 'size', collection, where }
    }
  }
}

/** A null that was found is none that was written: it finds nothing. */
function foundNull(written: Expression, value: Expression): Expression {
  return isNull(value) && !isNull(written) ? constant(undefined) : value
}

export function constant(value: RuleValue): Extract<Expression, { kind: 'constant' }> {
  return { kind: 'constant', value }
}

function isNobody(expression: Expression): boolean {
  return expression.kind === 'constant' && expression.value === nobody
}

function isConstant(expression: Expression): expression is Extract<Expression, { kind: 'constant' }> {
  return expression.kind === 'constant'
}

const maxSteps = 50_000
