import { keyRefusal } from '@nearcloud/protocol'
import { expressionOf } from '../../../parse/parse-expression.ts'
import { asTuple, refuse, shown } from '../../../parse/shapes.ts'
import { checkPath } from '../../../paths.ts'
import type { Accumulation, Expression, Filter, ProjectStage, Test } from '../../../types.ts'
import type { Allowance } from './allowance.ts'

/** What `project` makes of each path. It keeps and computes, or leaves out; `_id` apart. */
export function choicesOf(tree: unknown, allowance: Allowance): ProjectStage {
  const choices = pairsOf(tree, allowance, choice =>
    typeof choice === 'boolean' ? choice : expressionOf(choice, allowance, 1),
  )
  const others = choices.filter(([path]) => path !== '_id')
  const leavesOut = others.some(([, choice]) => choice === false)
  for (const [path, choice] of others)
    if (leavesOut && choice !== false)
      throw refuse(
        `"${path}" is kept or computed, others are left out: only "_id" can be left out beside kept ones`,
      )
  const id = choices.find(([path]) => path === '_id')
  if (leavesOut && id && typeof id[1] !== 'boolean') throw refuse('"_id" is computed, others are left out')
  return choices
}

/** What `addFields` computes. */
export function computedOf(tree: unknown, allowance: Allowance): readonly (readonly [string, Expression])[] {
  return pairsOf(tree, allowance, expression => expressionOf(expression, allowance, 1))
}

export function accumulationsOf(tree: unknown, allowance: Allowance): readonly Accumulation[] {
  if (!Array.isArray(tree)) throw refuse('the fields of a group are a list')
  const known = new Set(['_id'])
  const fields = tree.map((each: unknown) => {
    const [field, accumulator, expression, ...more] = asTuple(each, 'a field of a group')
    allowance.nodes--
    checkField(field)
    if (known.has(field)) throw refuse(`"${field}" stands twice`)
    known.add(field)
    if (typeof accumulator !== 'string' || more.length > 0)
      throw refuse(`"${field}" takes one accumulator, as in { ${field}: $.sum('$price') }`)
    return Object.freeze([field, accumulator, expressionOf(expression, allowance, 1)] as const)
  })
  return Object.freeze(fields)
}

/** Throws unless it is the name of a field, and no path. */
export function checkField(field: unknown): asserts field is string {
  if (typeof field !== 'string' || field === '') throw refuse('the name of a field is text, and not empty')
  const reason = keyRefusal(field)
  if (reason !== undefined) throw refuse(`a field cannot be named ${shown(field)}: ${reason}`)
}

/** Does a filter order by distance? */
export function isNear(filter: Filter): boolean {
  if (filter[0] === 'expr') return false
  return filter[0] === 'field' ? isNearTest(filter[2]) : filter[1].some(isNear)
}

function isNearTest(test: Test): boolean {
  return test[0] === 'geoNear' || (test[0] === 'and' && test[1].some(isNearTest))
}

function pairsOf<T>(
  tree: unknown,
  allowance: Allowance,
  read: (value: unknown) => T,
): readonly (readonly [string, T])[] {
  if (!Array.isArray(tree) || tree.length === 0) throw refuse('it takes an object with at least one field')
  const paths = new Set<string>()
  const pairs = tree.map((each: unknown) => {
    const [path, value, ...more] = asTuple(each, 'a field')
    allowance.nodes--
    checkPath(path)
    if (paths.has(path)) throw refuse(`"${path}" stands twice`)
    if (more.length > 0) throw refuse(`"${path}" has one value`)
    paths.add(path)
    return Object.freeze([path, read(value)] as const)
  })
  for (const path of paths)
    for (let end = path.lastIndexOf('.'); end > 0; end = path.lastIndexOf('.', end - 1))
      if (paths.has(path.slice(0, end)))
        throw refuse(`"${path.slice(0, end)}" and "${path}" name the same data`)
  return Object.freeze(pairs)
}
