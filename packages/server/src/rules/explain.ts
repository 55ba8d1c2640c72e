import { compile, isTruthy, RuleEvaluationError, type Scope } from './evaluate.ts'
import type { Expression } from './expression.ts'

/** What a clause was worth; `error`: it cannot be worked out, and the rule is a no. */
export type ClauseWorth = 'yes' | 'no' | 'error'

export interface SeenClause {
  /** Its place among the clauses of the rule. */
  readonly clause: number
  readonly worth: ClauseWorth
}

/** How a rule came to its answer. */
export interface Explained {
  readonly holds: boolean
  /** The clauses that were looked at, in order. */
  readonly seen: readonly SeenClause[]
  /** Those without which the answer would be another one. */
  readonly decided: readonly number[]
}

/** The parts of a rule that `&&`, `||` and `!` put together, in order. */
export function clausesOfRule(rule: Expression): readonly Expression[] {
  if (rule.kind === 'and' || rule.kind === 'or')
    return [...clausesOfRule(rule.left), ...clausesOfRule(rule.right)]
  return rule.kind === 'not' && isJoined(rule.operand) ? clausesOfRule(rule.operand) : [rule]
}

/** What `compileRule` answers, with how it came to that. Throws ReadNeeded where that does. */
export function compileExplained(rule: Expression): (scope: Scope) => Explained {
  const [look] = compilePart(rule, 0)
  return scope => {
    const seen: SeenClause[] = []
    try {
      const { isYes, decided } = look(scope, seen)
      return { holds: isYes, seen, decided }
    } catch (thrown) {
      if (!(thrown instanceof RuleEvaluationError)) throw thrown
      return { holds: false, seen, decided: [seen.at(-1)!.clause] }
    }
  }
}

interface Answer {
  readonly isYes: boolean
  readonly decided: readonly number[]
}
type Look = (scope: Scope, seen: SeenClause[]) => Answer

/** A part whose first clause is number `first`; with how many there are. */
function compilePart(part: Expression, first: number): readonly [Look, number] {
  if (part.kind === 'not' && isJoined(part.operand)) {
    const [look, clauses] = compilePart(part.operand, first)
    const negated: Look = (scope, seen) => {
      const { isYes, decided } = look(scope, seen)
      return { isYes: !isYes, decided }
    }
    return [negated, clauses]
  }
  if (part.kind !== 'and' && part.kind !== 'or') return [compileClause(part, first), 1]
  const decisive = part.kind === 'or'
  const [left, ofLeft] = compilePart(part.left, first)
  const [right, ofRight] = compilePart(part.right, first + ofLeft)
  const joined: Look = (scope, seen) => {
    const one = left(scope, seen)
    if (one.isYes === decisive) return one
    const other = right(scope, seen)
    return other.isYes === decisive
      ? other
      : { isYes: !decisive, decided: [...one.decided, ...other.decided] }
  }
  return [joined, ofLeft + ofRight]
}

function compileClause(part: Expression, clause: number): Look {
  const worth = compile(part)
  return (scope, seen) => {
    try {
      const isYes = isTruthy(worth(scope))
      seen.push({ clause, worth: isYes ? 'yes' : 'no' })
      return { isYes, decided: [clause] }
    } catch (thrown) {
      if (thrown instanceof RuleEvaluationError) seen.push({ clause, worth: 'error' })
      throw thrown
    }
  }
}

/** `a != null` is one clause, and `!(a && b)` are two. */
function isJoined(part: Expression): boolean {
  return part.kind === 'and' || part.kind === 'or' || (part.kind === 'not' && isJoined(part.operand))
}
