import { clausesOf } from '../../constraints.ts'
import type { Filter, GeoNearStage, Query, Stage } from '../../types.ts'
import { namesAny } from './variables.ts'

/** How a pipeline begins. */
export interface Beginning {
  /** What its source is asked; absent when nothing is wanted. */
  readonly query: Query | undefined
  /** How many of its stages are answered by that. */
  readonly taken: number
  /** What the source could not be asked of those: conditions that name variables. */
  readonly left: Filter | undefined
}

/**
 * The question that answers the first stages: the matches, then a sort, then what skip and limit leave. `geoNear` is
 * asked as well, and stays to tell the distance. `variables`: names whose values the source does not know.
 */
export function beginningOf(
  collection: string,
  stages: readonly Stage[],
  variables: ReadonlySet<string>,
): Beginning {
  const { where, left, matches } = conditionsOf(stages, variables)
  const [first] = stages
  if (first?.[0] === 'geoNear') return { query: near(collection, where, first[1]), taken: 0, left: undefined }
  let taken = matches
  let orderBy: Query['orderBy'] = []
  const then = stages[taken]
  if (then?.[0] === 'sort' && !left) {
    orderBy = then[1]
    taken++
  }
  let [skip, limit] = [0, Infinity]
  for (let stage = stages[taken]; stage && !left; stage = stages[++taken])
    if (stage[0] === 'skip') {
      skip += stage[1]
      limit = Math.max(0, limit - stage[1])
    } else if (stage[0] === 'limit') limit = Math.min(limit, stage[1])
    else break
  const query = { collection, where, orderBy, skip, ...(limit < Infinity && { limit }) }
  return { query: limit === 0 ? undefined : query, taken, left }
}

/** What every document a pipeline reads of its collection satisfies, as far as that names no variable. */
export function conditionsOf(
  stages: readonly Stage[],
  variables: ReadonlySet<string>,
): { readonly where: Filter; readonly left: Filter | undefined; readonly matches: number } {
  const [first] = stages
  if (first?.[0] === 'geoNear') return { where: first[1].query, left: undefined, matches: 0 }
  const [asked, left]: [Filter[], Filter[]] = [[], []]
  let matches = 0
  for (const stage of stages) {
    if (stage[0] !== 'match') break
    matches++
    if (!namesAny(stage[1], variables)) asked.push(stage[1])
    else for (const clause of clausesOf(stage[1])) (namesAny(clause, variables) ? left : asked).push(clause)
  }
  return { where: all(asked), left: left.length > 0 ? all(left) : undefined, matches }
}

/** A geometry with a known place is found by its distance; with an unknown one only when the document is there. */
function near(collection: string, where: Filter, stage: GeoNearStage): Query {
  const plain = { collection, where, orderBy: [], skip: 0 }
  if (stage.key === undefined) return plain
  const { near: geometry, minDistance, maxDistance, limit } = stage
  const test = {
    geometry,
    ...(minDistance !== undefined && { minDistance }),
    ...(maxDistance !== undefined && { maxDistance }),
  }
  return { ...plain, where: all([where, ['field', stage.key, ['geoNear', test]]]), limit }
}

function all(filters: readonly Filter[]): Filter {
  return filters.length === 1 ? filters[0]! : ['and', filters]
}
