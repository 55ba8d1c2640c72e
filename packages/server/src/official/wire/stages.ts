import { type Aggregate, command, type Pipeline } from '@nearcloud/query'
import { conditionFrom } from './conditions.ts'
import { expressionsFrom } from './expressions.ts'
import { fieldsOf, invalid, isFields, listOf, unknownOperator } from './shapes.ts'

/** A stage of a pipeline as it came: its name with `$`, and its argument. */
export type WireStage = readonly [name: string, given: unknown]

/** `start` with the stages behind it. */
export function withStages(start: Aggregate, stages: readonly WireStage[]): Aggregate {
  return stages.reduce((pipeline, [name, given]) => withStage(pipeline, name, given), start)
}

function withStage(pipeline: Aggregate, name: string, given: unknown): Aggregate {
  switch (name) {
    case '$match':
      return pipeline.match(conditionFrom(given))
    case '$project':
    case '$addFields':
    case '$group':
    case '$replaceRoot':
    case '$bucket':
    case '$bucketAuto':
      return pipeline[name.slice(1) as 'project'](expressionsFrom(fieldsOf(given, name)) as object)
    case '$sort':
    case '$sample':
      return pipeline[name.slice(1) as 'sort'](fieldsOf(given, name))
    case '$limit':
    case '$skip':
      return pipeline[name.slice(1) as 'limit'](given as number)
    case '$count':
      return pipeline.count(given as string)
    case '$unwind':
      return pipeline.unwind(given)
    case '$sortByCount':
      return pipeline.sortByCount(expressionsFrom(given))
    case '$lookup': {
      const { pipeline: inner, let: bindings, ...others } = fieldsOf(given, name)
      return pipeline.lookup({
        ...others,
        ...(bindings !== undefined && { let: expressionsFrom(bindings) }),
        ...(inner !== undefined && { pipeline: innerFrom(inner) }),
      })
    }
    case '$geoNear': {
      const { query, ...others } = fieldsOf(given, name)
      return pipeline.geoNear({ ...others, ...(query !== undefined && { query: conditionFrom(query) }) })
    }
  }
  throw unknownOperator(name)
}

/** `[{ $match: … }, …]`. */
export function stagesOf(given: unknown): readonly WireStage[] {
  return listOf(given, 'a pipeline').map(stage => {
    const [name, ...more] = isFields(stage) ? Object.keys(stage) : []
    if (name === undefined || more.length > 0) throw invalid('a stage is an object of one operator')
    return [name, (stage as Readonly<Record<string, unknown>>)[name]]
  })
}

function innerFrom(given: unknown): Pipeline {
  return withStages(command.aggregate.pipeline(), stagesOf(given)).done()
}
