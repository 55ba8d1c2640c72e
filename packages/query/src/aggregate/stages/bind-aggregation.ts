import { bindExpression, bindFilter, mapIfChanged } from '../../bind-openid.ts'
import type { Accumulation, Aggregation, Expression, Stage } from '../../types.ts'

/** As `bindOpenid`, in every `match` and expression. */
export function bindAggregation(aggregation: Aggregation, openid: string): Aggregation {
  const { collection, stages } = aggregation
  const bound = mapIfChanged(stages, stage => bindStage(stage, openid))
  return bound === stages ? aggregation : { collection, stages: bound }
}

function bindStage(stage: Stage, openid: string): Stage {
  switch (stage[0]) {
    case 'match': {
      const filter = bindFilter(stage[1], openid)
      return filter === stage[1] ? stage : [stage[0], filter]
    }
    case 'project': {
      const fields = mapIfChanged(stage[1], field => {
        const choice = typeof field[1] === 'boolean' ? field[1] : bindExpression(field[1], openid)
        return choice === field[1] ? field : ([field[0], choice] as const)
      })
      return fields === stage[1] ? stage : [stage[0], fields]
    }
    case 'addFields': {
      const fields = bindNamed(stage[1], openid)
      return fields === stage[1] ? stage : [stage[0], fields]
    }
    case 'group':
    case 'bucket':
    case 'bucketAuto': {
      const parts = bindGrouping(stage[1], openid)
      return parts === stage[1] ? stage : ([stage[0], parts] as Stage)
    }
    case 'replaceRoot':
    case 'sortByCount': {
      const expression = bindExpression(stage[1], openid)
      return expression === stage[1] ? stage : [stage[0], expression]
    }
    case 'geoNear': {
      const query = bindFilter(stage[1].query, openid)
      return query === stage[1].query ? stage : [stage[0], { ...stage[1], query }]
    }
    case 'lookup': {
      const join = stage[1]
      if (!('pipeline' in join)) return stage
      const bindings = bindNamed(join.let, openid)
      const pipeline = mapIfChanged(join.pipeline, inner => bindStage(inner, openid))
      const isSame = bindings === join.let && pipeline === join.pipeline
      return isSame ? stage : [stage[0], { ...join, let: bindings, pipeline }]
    }
    default:
      return stage
  }
}

function bindGrouping<T extends { readonly by: Expression; readonly fields: readonly Accumulation[] }>(
  parts: T,
  openid: string,
): T {
  const by = bindExpression(parts.by, openid)
  const fields = mapIfChanged(parts.fields, field => {
    const expression = bindExpression(field[2], openid)
    return expression === field[2] ? field : ([field[0], field[1], expression] as const)
  })
  return by === parts.by && fields === parts.fields ? parts : { ...parts, by, fields }
}

type Named = readonly (readonly [string, Expression])[]

function bindNamed(fields: Named, openid: string): Named {
  return mapIfChanged(fields, field => {
    const expression = bindExpression(field[1], openid)
    return expression === field[1] ? field : ([field[0], expression] as const)
  })
}
