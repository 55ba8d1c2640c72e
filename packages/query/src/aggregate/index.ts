/*
 * The part of the language that computes: expressions, and pipelines of stages. Loaded apart (`loadAggregation`), since most
 * queries need none of it.
 */
import { installExpressions } from '../expression-hook.ts'
import { compileExpression, isTrue } from './expressions/compile.ts'
import { mostStepsOfCondition } from './expressions/limits.ts'
import { noVariables } from './scope.ts'

export { compileExpression, isTrue } from './expressions/compile.ts'
export { bindAggregation } from './stages/bind-aggregation.ts'
export { aggregationToJson, parseAggregation } from './stages/parse.ts'
export { readsOf } from './stages/reads.ts'
export { type AggregateOptions, type AggregationBudget, aggregate, type Source } from './stages/run.ts'
export { stagesFrom } from './stages/stages-from.ts'

installExpressions(expression => {
  const evaluate = compileExpression(expression, noVariables, mostStepsOfCondition)
  return document => isTrue(evaluate(document))
})
