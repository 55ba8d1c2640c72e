import { checkCollectionName } from '@nearcloud/protocol'
import { expressionOf } from '../../../parse/parse-expression.ts'
import { asRecord, asTuple, refuse, shown } from '../../../parse/shapes.ts'
import { checkPath } from '../../../paths.ts'
import type { Expression, Lookup, Stage } from '../../../types.ts'
import type { Allowance } from './allowance.ts'

export function lookupOf(
  tree: unknown,
  allowance: Allowance,
  stagesOf: (tree: unknown, allowance: Allowance) => readonly Stage[],
): Lookup {
  const source = asRecord(tree, 'lookup', keys)
  const { from, as } = source
  checkCollectionName(from)
  checkPath(as)
  const isPipeline = source.pipeline !== undefined
  for (const key of isPipeline ? equalityKeys : ['let'])
    if (source[key] !== undefined)
      throw refuse('it takes localField and foreignField, or let and a pipeline, not both')
  if (isPipeline) {
    const bindings = bindingsOf(source.let, allowance)
    const pipeline = allowance.inLookup(() => stagesOf(source.pipeline, allowance))
    return Object.freeze({ from, as, let: bindings, pipeline })
  }
  const { localField, foreignField } = source
  checkPath(localField)
  checkPath(foreignField)
  return Object.freeze({ from, as, localField, foreignField })
}

function bindingsOf(tree: unknown, allowance: Allowance): readonly (readonly [string, Expression])[] {
  if (!Array.isArray(tree)) throw refuse('let is an object of expressions')
  const known = new Set<string>()
  const bindings = tree.map((each: unknown) => {
    const [name, expression, ...more] = asTuple(each, 'a variable')
    if (typeof name !== 'string' || !/^[a-z]\w{0,99}$/.test(name) || more.length > 0)
      throw refuse(
        `a variable cannot be named ${shown(name)}: letters, digits and "_", beginning with a small letter`,
      )
    if (known.has(name)) throw refuse(`the variable "${name}" stands twice`)
    known.add(name)
    return Object.freeze([name, expressionOf(expression, allowance, 1)] as const)
  })
  return Object.freeze(bindings)
}

const equalityKeys = ['localField', 'foreignField']
const keys = ['from', 'as', 'let', 'pipeline', ...equalityKeys]
