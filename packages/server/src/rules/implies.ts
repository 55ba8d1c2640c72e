import type { Filter } from '@nearcloud/query'
import {
  arrayOf,
  claimOf,
  compares,
  fieldOf,
  isAmong,
  isMissing,
  isTruthy,
  plus,
  RuleEvaluationError,
  type Scope,
} from './evaluate.ts'
import { type Comparison, type Expression, nobody, type RuleValue, render } from './expression.ts'
import { Facts } from './facts.ts'

export type Implication =
  | { readonly proved: true }
  /** `open`: the conditions of the rule, as text, that the filter leaves open. None: the rule is never true here. */
  | { readonly proved: false; readonly open: readonly OpenCondition[] }

export interface OpenCondition {
  readonly text: string
  /** The condition is `path == value`: a where with this would do. */
  readonly wants?: { readonly path: string; readonly value: RuleValue }
}

/**
 * Does the rule hold for every document that matches the filter, whatever else is in it?
 *
 * Proved by form: `auth`, `now` and the fields that the filter pins down are put into the rule, and what is left must
 * follow from the filter's comparisons; alternatives of the filter (`or`, `in`) are gone through one by one. Sound for
 * documents whose fields are plain values (see `Facts`), not complete: what cannot be seen in a bounded number of steps
 * is not proved.
 */
export function implies(filter: Filter, rule: Expression, scope: Scope): Implication {
  const prover = new Prover(scope)
  const facts = new Facts([filter])
  try {
    if (prover.proves(rule, facts)) return { proved: true }
    return { proved: false, open: prover.openConditions(rule, facts) }
  } catch (thrown) {
    if (thrown instanceof RuleEvaluationError) return { proved: false, open: [{ text: render(rule) }] }
    throw thrown
  }
}

class Prover {
  readonly #scope: Scope
  #steps = 0

  constructor(scope: Scope) {
    this.#scope = scope
  }

  proves(rule: Expression, facts: Facts): boolean {
    this.#count(facts.size)
    const left = this.#reduce(rule, facts)
    if (this.#follows(left, true, facts)) return true
    if (left.kind === 'constant') return false
    const cases = facts.split(pathsIn(left, new Set()))
    if (!cases) return false
    for (const one of cases) if (!this.proves(left, one)) return false
    return true
  }

  openConditions(rule: Expression, facts: Facts): readonly OpenCondition[] {
    const open: OpenCondition[] = []
    const visit = (part: Expression): void => {
      if (part.kind === 'and' || part.kind === 'or') {
        visit(part.left)
        visit(part.right)
      } else if (!this.#follows(this.#reduce(part, facts), true, facts)) open.push(conditionOf(part))
    }
    const askedOfAll = this.#reduce(rule, new Facts([]))
    if (askedOfAll.kind !== 'constant') visit(askedOfAll)
    return open
  }

  /** Is a reduced expression sure to be `answer`, without going through alternatives? */
  #follows(part: Expression, answer: boolean, facts: Facts): boolean {
    this.#count(1)
    switch (part.kind) {
      case 'constant':
        return isTruthy(part.value) === answer
      case 'not':
        return this.#follows(part.operand, !answer, facts)
      case 'and':
      case 'or': {
        const both = (part.kind === 'and') === answer
        const left = this.#follows(part.left, answer, facts)
        return left === both ? this.#follows(part.right, answer, facts) : left
      }
      case 'missing': {
        const path = pathOf(part.operand)
        return !answer && path !== undefined && this.#look(facts).isPresent(path)
      }
      case 'compare': {
        const atom = atomOf(part)
        return atom !== undefined && this.#look(facts).settles(atom.path, atom.operator, atom.value, answer)
      }
      case 'in': {
        const { left, right } = part
        const list = pathOf(right)
        if (list !== undefined && left.kind === 'constant' && answer)
          return this.#look(facts).holds(list, left.value)
        const items = itemsOf(right)
        const isItem = (item: Expression) =>
          this.#follows({ kind: 'compare', operator: '==', left, right: item }, answer, facts)
        return items !== undefined && (answer ? items.some(isItem) : items.every(isItem))
      }
      default:
        return false
    }
  }

  /** The expression with everything known put in and worked out. */
  #reduce(expression: Expression, facts: Facts): Expression {
    this.#count(1)
    const reduce = (part: Expression) => this.#reduce(part, facts)
    switch (expression.kind) {
      case 'constant':
        return expression
      case 'claim':
        return constant(claimOf(this.#scope.auth, expression.name))
      case 'variable':
        return expression.name === 'doc' ? expression : constant(this.#scope[expression.name])
      case 'member': {
        const [object, key] = [reduce(expression.object), reduce(expression.key)]
        if (object.kind === 'constant' && key.kind === 'constant')
          return constant(fieldOf(object.value, key.value))
        const member: Expression = { kind: 'member', object, key }
        const path = pathOf(member)
        const known = path === undefined ? undefined : this.#look(facts).valueOf(path)
        return known ? constant(known.value) : member
      }
      case 'array': {
        const items = expression.items.map(reduce)
        return items.every(isConstant)
          ? constant(arrayOf(items.map(item => item.value)))
          : { kind: 'array', items }
      }
      case 'not': {
        const operand = reduce(expression.operand)
        return operand.kind === 'constant' ? constant(!isTruthy(operand.value)) : { kind: 'not', operand }
      }
      case 'and':
      case 'or': {
        const decisive = expression.kind === 'or'
        const left = reduce(expression.left)
        if (left.kind === 'constant' && isTruthy(left.value) === decisive) return constant(decisive)
        const right = reduce(expression.right)
        if (right.kind === 'constant' && isTruthy(right.value) === decisive) return constant(decisive)
        if (left.kind === 'constant') return right
        if (right.kind === 'constant') return left
        return { kind: expression.kind, left, right }
      }
      case 'missing': {
        const operand = reduce(expression.operand)
        return operand.kind === 'constant' ? constant(isMissing(operand.value)) : { kind: 'missing', operand }
      }
      case 'compare': {
        const { operator } = expression
        const [left, right] = [reduce(expression.left), reduce(expression.right)]
        if (isNobody(left) || isNobody(right)) return constant(false)
        return left.kind === 'constant' && right.kind === 'constant'
          ? constant(compares(left.value, operator, right.value))
          : { kind: 'compare', operator, left, right }
      }
      case 'in': {
        const left = reduce(expression.left)
        if (isNobody(left)) return constant(false)
        const list = pathOf(expression.right)
        // the filter `list: x` says that x is among the list, not that the list is x
        if (list !== undefined && left.kind === 'constant' && this.#look(facts).holds(list, left.value))
          return constant(true)
        const known = reduce(expression.right)
        const isElement = list !== undefined && isConstant(known) && !Array.isArray(known.value)
        const right = isElement ? expression.right : known
        return left.kind === 'constant' && right.kind === 'constant'
          ? constant(isAmong(left.value, right.value))
          : { kind: 'in', left, right }
      }
      case 'plus': {
        const [left, right] = [reduce(expression.left), reduce(expression.right)]
        return left.kind === 'constant' && right.kind === 'constant'
          ? constant(plus(left.value, right.value))
          : { kind: 'plus', left, right }
      }
    }
  }

  #look(facts: Facts): Facts {
    this.#count(facts.size)
    return facts
  }

  #count(steps: number): void {
    this.#steps += steps
    if (this.#steps > maxSteps) throw new RuleEvaluationError(`more than ${maxSteps} steps`)
  }
}

interface Atom {
  readonly path: string
  readonly operator: Comparison
  readonly value: RuleValue
}

/** `doc.path <operator> constant`, from either side. */
function atomOf(part: Extract<Expression, { kind: 'compare' }>): Atom | undefined {
  const { operator, left, right } = part
  if (right.kind === 'constant') {
    const path = pathOf(left)
    return path === undefined ? undefined : { path, operator, value: right.value }
  }
  if (left.kind === 'constant') {
    const path = pathOf(right)
    return path === undefined ? undefined : { path, operator: mirrored[operator], value: left.value }
  }
  return undefined
}

function conditionOf(part: Expression): OpenCondition {
  const text = render(part)
  if (part.kind === 'in' && part.left.kind === 'constant') {
    const path = pathOf(part.right)
    if (path !== undefined) return { text, wants: { path, value: part.left.value } }
  }
  const atom = part.kind === 'compare' ? atomOf(part) : undefined
  return atom?.operator === '==' ? { text, wants: atom } : { text }
}

/** `doc.a.b[0]` as a dotted path; undefined for anything else, and for keys that no dotted path can name. */
function pathOf(expression: Expression): string | undefined {
  if (expression.kind !== 'member' || expression.key.kind !== 'constant') return undefined
  const key = expression.key.value
  if (typeof key !== 'number' && typeof key !== 'string') return undefined
  const name = String(key)
  if (name === '' || name.includes('.')) return undefined
  if (expression.object.kind === 'variable' && expression.object.name === 'doc') return name
  const parent = pathOf(expression.object)
  return parent === undefined ? undefined : `${parent}.${name}`
}

/** The paths of the document that an expression looks at. */
function pathsIn(expression: Expression, found: Set<string>): Set<string> {
  const path = pathOf(expression)
  if (path !== undefined) found.add(path)
  switch (expression.kind) {
    case 'array':
      for (const item of expression.items) pathsIn(item, found)
      break
    case 'member':
      pathsIn(expression.object, found)
      pathsIn(expression.key, found)
      break
    case 'not':
    case 'missing':
      pathsIn(expression.operand, found)
      break
    case 'and':
    case 'or':
    case 'compare':
    case 'in':
    case 'plus':
      pathsIn(expression.left, found)
      pathsIn(expression.right, found)
  }
  return found
}

function itemsOf(list: Expression): readonly Expression[] | undefined {
  if (list.kind === 'array') return list.items
  if (list.kind !== 'constant' || !Array.isArray(list.value)) return undefined
  return (list.value as readonly RuleValue[]).map(constant)
}

function constant(value: RuleValue): Extract<Expression, { kind: 'constant' }> {
  return { kind: 'constant', value }
}

function isNobody(expression: Expression): boolean {
  return expression.kind === 'constant' && expression.value === nobody
}

function isConstant(expression: Expression): expression is Extract<Expression, { kind: 'constant' }> {
  return expression.kind === 'constant'
}

const mirrored: Readonly<Record<Comparison, Comparison>> = {
  '==': '==',
  '>': '<',
  '>=': '<=',
  '<': '>',
  '<=': '>=',
}
const maxSteps = 50_000
