import { segmentsOf } from '../../../paths.ts'
import type { Lookup, Query } from '../../../types.ts'
import { compileExpression } from '../../expressions/compile.ts'
import { type Scope, type Variable, widen } from '../../scope.ts'
import { beginningOf } from '../beginning.ts'
import { withValue } from '../fields.ts'
import { cut, gather, type Means, type Operator, Outgoing, type Page, type Pages, read } from '../pages.ts'
import { compilePipeline } from '../pipeline.ts'
import { isNamedIn } from '../variables.ts'
import { type Candidates, candidatesFor } from './candidates.ts'

/**
 * What comes out of a pipeline over `from`, run for each document with the variables of `let` computed of it, or once when it
 * names no variable. What its first stages ask of the source is asked once, and held.
 */
export function lookupByPipeline(
  { from, as, let: bindings, pipeline }: Extract<Lookup, { pipeline: unknown }>,
  scope: Scope,
): Operator {
  const place = segmentsOf(as)
  const variables = bindings.map(([name, expression]) => {
    const variable: Variable = { value: undefined }
    return { name, variable, evaluate: compileExpression(expression, scope) }
  })
  const inside = widen(
    scope,
    variables.map(({ name, variable }) => [name, variable] as const),
  )
  const names = new Set(inside.keys())
  const isAlwaysSame = !pipeline.some(stage => isNamedIn(stage, names))
  const { left } = beginningOf(from, pipeline, names)
  const candidates = left && candidatesFor(left, inside)
  const run = compilePipeline(from, pipeline, inside, isAlwaysSame ? read : readOnce(candidates))

  /** Outcomes that are the same for all are measured once, by whoever has them first. */
  async function outcome(means: Means): Promise<{ documents: Page; bytes: number }> {
    const known = means.known.get(run)
    if (known) return { documents: known, bytes: referenceBytes }
    const held = means.meter.holding()
    const documents = await gather(run(means), held)
    const bytes = means.meter.measure(documents, place.length)
    if (isAlwaysSame) means.known.set(run, documents)
    else held.release()
    return { documents, bytes }
  }

  return async function* (input, means) {
    const out = new Outgoing()
    for await (const page of input) {
      for (const document of page) {
        means.meter.step()
        const values = variables.map(({ evaluate }) => evaluate(document))
        variables.forEach(({ variable }, i) => {
          variable.value = values[i]
        })
        const { documents, bytes } = await outcome(means)
        out.add(withValue(document, place, documents), bytes)
        if (out.isFull) yield out.take()
      }
      if (!out.isEmpty) yield out.take()
    }
  }
}

/** The documents the source has, held from the first time on; of them the candidates. */
function readOnce(candidates: Candidates = documents => documents): (query: Query, means: Means) => Pages {
  return async function* (query, means) {
    let documents = means.known.get(query)
    if (!documents) {
      documents = await gather(read(query, means), means.meter.holding())
      means.known.set(query, documents)
    }
    yield* cut(candidates(documents))
  }
}

const referenceBytes = 8
