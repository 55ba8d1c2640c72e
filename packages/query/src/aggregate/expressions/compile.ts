import type { Value } from '@nearcloud/protocol'
import type { Expression } from '../../types.ts'
import { type Evaluate, refuse, type Scope } from '../scope.ts'

/**
 * How an expression is computed of a document. Everything that can be known beforehand (operators, the number and names of
 * arguments, variables) is checked here: throws INVALID_PARAM. Computing throws DATABASE_REQUEST_FAILED for data that
 * does not fit.
 */
export function compileExpression(expression: Expression, _scope: Scope): Evaluate {
  throw refuse(`not yet ${expression[0]}`)
}

/** What conditions take for true: everything but false, 0, null and missing. */
export function isTrue(value: Value | undefined): boolean {
  return value !== undefined && value !== null && value !== false && value !== 0
}
