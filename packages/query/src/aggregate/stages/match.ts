import type { Document, DocumentData } from '@nearcloud/protocol'
// from the whole: see `plan-index.ts`
import { compileFilter } from '../../index.ts'
import type { Filter } from '../../types.ts'
import { compileExpression, isTrue } from '../expressions/compile.ts'
import type { Scope } from '../scope.ts'
import type { Operator } from './pages.ts'

/** A filter in a pipeline: what it computes may name the pipeline's variables. */
function compileMatch(filter: Filter, scope: Scope): (document: DocumentData) => boolean {
  const matches = compileFilter(filter, expression => {
    const evaluate = compileExpression(expression, scope)
    return document => isTrue(evaluate(document))
  })
  return document => matches(document as Document)
}

export function match(filter: Filter, scope: Scope): Operator {
  const matches = compileMatch(filter, scope)
  return async function* (input, { meter }) {
    for await (const page of input) {
      const kept = page.filter(document => {
        meter.step()
        return matches(document)
      })
      if (kept.length > 0) yield kept
    }
  }
}
