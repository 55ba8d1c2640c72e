import { CloudError, type Value } from '@nearcloud/protocol'
import type { Expression, Filter, Query } from './types.ts'

/** How a condition on a computed value is compiled. */
export type CompileCondition = (expression: Expression) => (document: Value) => boolean

let installed: CompileCondition | undefined

/** Called by `@nearcloud/query/aggregate` when it is loaded. */
export function installExpressions(compile: CompileCondition): void {
  installed = compile
}

export const compileCondition: CompileCondition = expression => {
  if (!installed) throw new Error('a condition with _.expr is compiled after loadAggregation()')
  return installed(expression)
}

/**
 * The part of the language that computes (`_.expr`, `aggregate`): loaded apart, once. Rejects with OFFLINE when it could
 * not be fetched; then it is tried again the next time.
 */
export async function loadAggregation(): Promise<typeof import('./aggregate/index.ts')> {
  try {
    return await import('./aggregate/index.ts')
  } catch (cause) {
    throw new CloudError('OFFLINE', {
      errMsg: 'what computes (aggregate, _.expr) could not be loaded: it comes with the app’s other files',
      cause,
    })
  }
}

/** Does a filter compute something, so that `loadAggregation()` has to come before it is compiled? */
export function computes(filter: Filter): boolean {
  if (filter[0] === 'field') return false // conditions on elements are conditions on fields alone
  return filter[0] === 'expr' || filter[1].some(computes)
}

/** Resolves when the query can be compiled; undefined when it can already. */
export function prepare(query: Pick<Query, 'where'>): Promise<unknown> | undefined {
  return installed || !computes(query.where) ? undefined : loadAggregation()
}
