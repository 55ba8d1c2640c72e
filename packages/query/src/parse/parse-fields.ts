import { type Json, limits, toJson, type Value } from '@nearcloud/protocol'
import { checkPath, hasOwn } from '../paths.ts'
import { isInclusion } from '../project.ts'
import type { FieldChoice, Fields } from '../types.ts'
import { type Budget, fullBudget } from './budget.ts'
import { elementTestOf } from './parse-filter.ts'
import { asRecord, asTuple, refuse, unknownOperator } from './shapes.ts'

/** A projection as a JSON tree; `parseFields` reads it. */
export function fieldsToJson(fields: Fields): Json {
  const tree: { [path: string]: Json } = {}
  for (const path of Object.keys(fields)) tree[path] = toJson(fields[path] as unknown as Value)
  return tree
}

/** Throws INVALID_PARAM unless the paths can be projected together. */
export function parseFields(tree: unknown): Fields {
  const source = asRecord(tree, 'a projection')
  const paths = Object.keys(source)
  if (paths.length > limits.filterNodes) throw refuse(`more than ${limits.filterNodes} projected fields`)
  const budget = fullBudget()
  const fields: Record<string, FieldChoice> = {}
  for (const path of paths) {
    checkPath(path)
    fields[path] = choiceOf(path, source[path], budget)
  }
  const including = isInclusion(fields)
  for (const path of paths) {
    if (path !== '_id' && !suits(fields[path]!, including))
      throw refuse(`field "${path}": a projection either includes or leaves out, "_id" apart`)
    for (let end = path.lastIndexOf('.'); end > 0; end = path.lastIndexOf('.', end - 1))
      if (hasOwn(fields, path.slice(0, end)))
        throw refuse(`fields "${path.slice(0, end)}" and "${path}" name the same data`)
  }
  return Object.freeze(fields)
}

function choiceOf(path: string, tree: unknown, budget: Budget): FieldChoice {
  if (typeof tree === 'boolean') return tree
  if (!Array.isArray(tree) || path === '_id') throw refuse(`field "${path}": true or false is expected`)
  const [operator, argument, ...more] = asTuple(tree, 'a projection of an array')
  if (more.length > 0) throw refuse(`field "${path}": one argument is expected`)
  if (operator === 'elemMatch') return Object.freeze([operator, elementTestOf(argument, budget, 1)] as const)
  if (operator !== 'slice') throw unknownOperator(operator)
  const [from, count, ...rest] = asTuple(argument, 'a slice')
  if (rest.length > 0 || !Number.isSafeInteger(from) || !Number.isSafeInteger(count) || (count as number) < 0)
    throw refuse(`field "${path}": a slice is where it begins and how many elements it has`)
  return Object.freeze([operator, Object.freeze([from as number, count as number] as const)] as const)
}

/** A slice fits both kinds of projection; the first element that matches is something to include. */
function suits(choice: FieldChoice, including: boolean): boolean {
  return typeof choice === 'boolean' ? choice === including : choice[0] === 'slice' || including
}
