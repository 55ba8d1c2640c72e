import { geoFromJson } from '@nearcloud/protocol'
import { expressionFrom } from '../../builder/expression-from.ts'
import { checkDepth, isNothing, isPlainData, refuseRawOperator } from '../../builder/plain-data.ts'
import { joinPath } from '../../paths.ts'
import { refuse } from '../../refusals.ts'
import type { Expression, ProjectStage } from '../../types.ts'

type Named = Readonly<Record<string, unknown>>

/** What `project` was given: 1 and true keep, 0 and false leave out, anything else is computed. */
export function choicesFrom(given: unknown): ProjectStage {
  const leaves = leavesOf(namedFrom(given, 'it takes an object of fields'), '', 1)
  return leaves.map(([path, value]) => {
    if (typeof value === 'boolean') return [path, value]
    return [path, typeof value === 'number' ? value !== 0 : expressionFrom(value)]
  })
}

/** What `addFields` was given. */
export function computedFrom(given: unknown): readonly (readonly [string, Expression])[] {
  const leaves = leavesOf(namedFrom(given, 'it takes an object of fields and their expressions'), '', 1)
  return leaves.map(([path, value]) => [path, expressionFrom(value)])
}

/** An object of the app's, without what is undefined. Throws with `words` for anything else, and for raw operators. */
export function namedFrom(given: unknown, words: string): Named {
  if (!isPlainData(given)) throw refuse(words)
  const entries = Object.entries(given).filter(([, value]) => !isNothing(value))
  for (const [key] of entries) refuseRawOperator(key, 'db.command.aggregate')
  return Object.fromEntries(entries)
}

/** The same, with no other keys than these. */
export function optionsOf(given: unknown, keys: readonly string[], words: string): Named {
  const options = namedFrom(given, words)
  for (const key of Object.keys(options))
    if (!keys.includes(key)) throw refuse(`there is no "${key}": ${words}`)
  return options
}

/** What stands at the ends of nested objects, by path. */
function leavesOf(object: Named, at: string, depth: number): readonly (readonly [string, unknown])[] {
  checkDepth('fields', depth)
  return Object.entries(object).flatMap(([key, value]) => {
    const path = joinPath(at, key)
    if (!isPlainData(value) || geoFromJson(value)) return [[path, value] as const]
    const leaves = leavesOf(namedFrom(value, ''), path, depth + 1)
    if (leaves.length === 0) throw refuse(`"${path}" is an empty object: $.literal({}) makes one`)
    return leaves
  })
}
