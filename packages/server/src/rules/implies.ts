import type { Filter } from '@nearcloud/query'
import { pathOf, pathsIn } from './doc-path.ts'
import { isTruthy, RuleEvaluationError, type Scope } from './evaluate.ts'
import {
  type Comparison,
  type Expression,
  partsOf,
  type RuleValue,
  readsOthers,
  render,
} from './expression.ts'
import { Facts } from './facts.ts'
import { TooManyReads } from './read-others.ts'
import { constant, reduce, Steps } from './reduce.ts'

export type Implication =
  | { readonly proved: true }
  /** `open`: the conditions of the rule, as text, that the filter leaves open. None: the rule is never true here. */
  | { readonly proved: false; readonly open: readonly OpenCondition[]; readonly reason?: string }

export interface OpenCondition {
  readonly text: string
  /** The condition is `path == value`: a where with this would do. */
  readonly wants?: { readonly path: string; readonly value: RuleValue }
  /**
   * The condition reads other documents, which these fields name: a where has to say what they are. None: it says so already, and
   * the other documents say no.
   */
  readonly names?: readonly string[]
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
    if (thrown instanceof RuleEvaluationError)
      return {
        proved: false,
        open: [{ text: render(rule) }],
        ...(thrown instanceof TooManyReads && { reason: thrown.message }),
      }
    throw thrown
  }
}

class Prover {
  readonly #scope: Scope
  readonly #steps = new Steps()

  constructor(scope: Scope) {
    this.#scope = scope
  }

  proves(rule: Expression, facts: Facts): boolean {
    this.#steps.count(facts.size)
    const left = this.#reduced(rule, facts)
    if (this.#follows(left, true, facts)) return true
    if (left.kind === 'constant') return false
    const cases = facts.split(pathsIn(left, new Set()))
    if (!cases) return false
    for (const one of cases) if (!this.proves(left, one)) return false
    return true
  }

  openConditions(rule: Expression, facts: Facts): readonly OpenCondition[] {
    const open: OpenCondition[] = []
    // without `reads`: what other documents say is not for the one who asked
    const { reads: _, ...told } = this.#scope
    const visit = (part: Expression): void => {
      if (part.kind === 'and' || part.kind === 'or') {
        visit(part.left)
        visit(part.right)
      } else if (!this.#follows(this.#reduced(part, facts), true, facts))
        open.push(conditionOf(part, reduce(part, told, facts, this.#steps)))
    }
    const askedOfAll = reduce(rule, told, new Facts([]), this.#steps)
    if (askedOfAll.kind !== 'constant') visit(askedOfAll)
    return open
  }

  /** Is a reduced expression sure to be `answer`, without going through alternatives? */
  #follows(part: Expression, answer: boolean, facts: Facts): boolean {
    this.#steps.count(1)
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
        return !answer && path !== undefined && this.#steps.look(facts).isPresent(path)
      }
      case 'compare': {
        const atom = atomOf(part)
        return (
          atom !== undefined && this.#steps.look(facts).settles(atom.path, atom.operator, atom.value, answer)
        )
      }
      case 'in': {
        const { left, right } = part
        const list = pathOf(right)
        if (list !== undefined && left.kind === 'constant' && answer)
          return this.#steps.look(facts).holds(list, left.value)
        const items = itemsOf(right)
        const isItem = (item: Expression) =>
          this.#follows({ kind: 'compare', operator: '==', left, right: item }, answer, facts)
        return items !== undefined && (answer ? items.some(isItem) : items.every(isItem))
      }
      default:
        return false
    }
  }

  #reduced(part: Expression, facts: Facts): Expression {
    return reduce(part, this.#scope, facts, this.#steps)
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

/** `left`: what the filter leaves of it. */
function conditionOf(part: Expression, left: Expression): OpenCondition {
  const text = render(part)
  if (part.kind === 'in' && part.left.kind === 'constant') {
    const path = pathOf(part.right)
    if (path !== undefined) return { text, wants: { path, value: part.left.value } }
  }
  if (readsOthers(part)) {
    const names = [...pathsOfReads(left, new Set())]
    return names.length > 0 || pathsIn(left, new Set()).size === 0 ? { text, names } : { text }
  }
  const atom = part.kind === 'compare' ? atomOf(part) : undefined
  return atom?.operator === '==' ? { text, wants: atom } : { text }
}

/** The paths of the document that say which others are read. */
function pathsOfReads(part: Expression, found: Set<string>): Set<string> {
  if (part.kind === 'get' || part.kind === 'size') return pathsIn(part, found)
  for (const each of partsOf(part)) pathsOfReads(each, found)
  return found
}

function itemsOf(list: Expression): readonly Expression[] | undefined {
  if (list.kind === 'array') return list.items
  if (list.kind !== 'constant' || !Array.isArray(list.value)) return undefined
  return (list.value as readonly RuleValue[]).map(constant)
}

const mirrored: Readonly<Record<Comparison, Comparison>> = {
  '==': '==',
  '>': '<',
  '>=': '<=',
  '<': '>',
  '<=': '>=',
}
