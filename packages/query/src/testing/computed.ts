import { normalise, type Value } from '@nearcloud/protocol'
import { compileExpression } from '../aggregate/expressions/compile.ts'
import { noVariables } from '../aggregate/scope.ts'
import { expressionFrom } from '../builder/expression-from.ts'

/** What an expression, as an app says it, is of a document. */
export function computed(given: unknown, document: unknown = {}): Value | undefined {
  return compileExpression(expressionFrom(given), noVariables)(normalise(document))
}
