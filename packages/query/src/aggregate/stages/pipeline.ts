import type { Query, Stage } from '../../types.ts'
import type { Scope } from '../scope.ts'
import { beginningOf } from './beginning.ts'
import { bucket } from './bucket.ts'
import { bucketAuto } from './bucket-auto.ts'
import { count, limit, sample, skip } from './counts.ts'
import { geoNear } from './geo-near.ts'
import { group, sortByCount } from './group.ts'
import { inStage } from './in-stage.ts'
import { lookup } from './lookup/lookup.ts'
import { match } from './match.ts'
import { type Means, type Operator, type Pages, read } from './pages.ts'
import { replaceRoot } from './replace-root.ts'
import { addFields, project } from './shape.ts'
import { sort } from './sort.ts'
import { unwind } from './unwind.ts'

/** A pipeline that is compiled. Each call is a run of its own. */
export type Pipeline = (means: Means) => Pages

/**
 * How stages are run over a collection. What they begin with is asked of the source (`beginningOf`); `reading` tells how
 * the documents are had, by default as they come.
 *
 * Throws INVALID_PARAM, DATABASE_INVALID_OPERATOR for expressions that mean nothing, wherever they stand.
 */
export function compilePipeline(
  collection: string,
  stages: readonly Stage[],
  scope: Scope,
  reading: (query: Query, means: Means) => Pages = read,
): Pipeline {
  const { query, taken, left } = beginningOf(collection, stages, new Set(scope.keys()))
  const operators = stages
    .map((stage, i) => inStage(i, stage[0], () => compileStage(stage, scope, stages.slice(i + 1))))
    .slice(taken)
  if (left) operators.unshift(match(left, scope))
  return means => {
    const start = query ? reading(query, means) : nothing()
    return operators.reduce((pages, operate) => operate(pages, means), start)
  }
}

/** One line per stage of the language. */
function compileStage(stage: Stage, scope: Scope, behind: readonly Stage[]): Operator {
  switch (stage[0]) {
    case 'match':
      return match(stage[1], scope)
    case 'project':
      return project(stage[1], scope)
    case 'addFields':
      return addFields(stage[1], scope)
    case 'group':
      return group(stage[1], scope)
    case 'sort':
      return sort(stage[1], wantedOf(behind))
    case 'limit':
      return limit(stage[1])
    case 'skip':
      return skip(stage[1])
    case 'sample':
      return sample(stage[1])
    case 'unwind':
      return unwind(stage[1])
    case 'lookup':
      return lookup(stage[1], scope)
    case 'replaceRoot':
      return replaceRoot(stage[1], scope)
    case 'sortByCount':
      return sortByCount(stage[1], scope)
    case 'count':
      return count(stage[1])
    case 'bucket':
      return bucket(stage[1], scope)
    case 'bucketAuto':
      return bucketAuto(stage[1], scope)
    case 'geoNear':
      return geoNear(stage[1])
  }
}

/** How many of the documents that come to these stages they want: a limit with nothing before it that drops any. */
function wantedOf(stages: readonly Stage[]): number {
  let skipped = 0
  for (const stage of stages) {
    if (stage[0] === 'limit') return skipped + stage[1]
    if (stage[0] === 'skip') skipped += stage[1]
    else if (stage[0] !== 'project' && stage[0] !== 'addFields' && stage[0] !== 'replaceRoot') break
  }
  return Infinity
}

async function* nothing(): Pages {}
