import { type Millis, normalise, type Value } from '@nearcloud/protocol'
import { Pipeline, type Step } from '../../builder/aggregate.ts'
import { ExpressionCall } from '../../builder/expression-call.ts'
import { expressionFrom } from '../../builder/expression-from.ts'
import { isPlainData, refuseRawOperator } from '../../builder/plain-data.ts'
import { filterFrom } from '../../builder/where.ts'
import { resolveServerDates } from '../../merge/server-dates.ts'
import { refuse } from '../../refusals.ts'
import type { Accumulation, Expression, Filter, GeoNearStage, Lookup, Stage } from '../../types.ts'
import { choicesFrom, computedFrom, namedFrom, optionsOf } from './fields-from.ts'
import { counting } from './group.ts'
import { inStage } from './in-stage.ts'
import { parseStages, stagesToJson } from './parse.ts'

/**
 * The stages that were said, checked. `now`: what server dates in conditions mean; absent: they are refused.
 *
 * Throws INVALID_PARAM, DATABASE_INVALID_OPERATOR, beginning with the place of the stage: `stage 2 (group): …`.
 */
export function stagesFrom(steps: readonly Step[], now?: Millis): readonly Stage[] {
  const stages = stagesSaid(steps) as unknown as Value
  return parseStages(
    stagesToJson(
      (now === undefined ? stages : resolveServerDates(stages, now)) as unknown as readonly Stage[],
    ),
  )
}

function stagesSaid(steps: readonly Step[]): readonly Stage[] {
  const [first, second] = steps
  // the condition of the query it began with is one of the documents that are near
  if (first?.[0] === 'where' && second?.[0] === 'geoNear') {
    const [, stage] = inStage(0, 'geoNear', () => stageFrom(second)) as readonly ['geoNear', GeoNearStage]
    const query: Filter = ['and', [first[1] as Filter, stage.query]]
    return [['geoNear', { ...stage, query }], ...stagesSaid(steps.slice(2))]
  }
  return steps.map((step, i) => inStage(i, step[0], () => stageFrom(step)))
}

function stageFrom([name, given]: Step): Stage {
  switch (name) {
    case 'where':
      return ['match', given as Filter]
    case 'match':
      return [name, filterFrom(given)]
    case 'project':
      return [name, choicesFrom(given)]
    case 'addFields':
      return [name, computedFrom(given)]
    case 'group': {
      const { _id: by, ...fields } = namedFrom(given, 'it takes an object with _id, and accumulators')
      if (by === undefined)
        throw refuse('it takes _id: an expression to group by, or null for one group of all')
      return [name, { by: expressionFrom(by), fields: accumulationsFrom(fields) }]
    }
    case 'sort': {
      const keys = namedFrom(given, 'it takes an object of paths, each with 1 (ascending) or -1 (descending)')
      return [name, Object.keys(keys).map(path => [path, directionFrom(keys[path], path)] as const)]
    }
    case 'limit':
    case 'skip':
      return [name, given as number]
    case 'count':
      return [name, given as string]
    case 'sample':
      return [
        name,
        (typeof given === 'number' ? given : optionsOf(given, ['size'], 'it takes { size }').size) as number,
      ]
    case 'unwind':
      return [name, unwindFrom(given)]
    case 'lookup':
      return [name, lookupFrom(given)]
    case 'replaceRoot': {
      const { newRoot } = optionsOf(given, ['newRoot'], 'it takes { newRoot }')
      if (newRoot === undefined) throw refuse('it takes { newRoot }: an expression that makes an object')
      return [name, expressionFrom(newRoot)]
    }
    case 'sortByCount':
      if (given === undefined) throw refuse('it takes an expression')
      return [name, expressionFrom(given)]
    case 'bucket': {
      const source = optionsOf(given, ['groupBy', 'boundaries', 'default', 'output'], bucketWords)
      if (!Array.isArray(source.boundaries)) throw refuse(bucketWords)
      return [
        name,
        {
          by: groupByFrom(source),
          boundaries: source.boundaries.map(boundary => valueFrom(boundary, 'boundaries')),
          ...(source.default !== undefined && { default: valueFrom(source.default, 'default') }),
          fields: outputFrom(source),
        },
      ]
    }
    case 'bucketAuto': {
      const source = optionsOf(
        given,
        ['groupBy', 'buckets', 'granularity', 'output'],
        'it takes { groupBy, buckets, granularity?, output? }',
      )
      return [
        name,
        {
          by: groupByFrom(source),
          buckets: source.buckets as number,
          ...(source.granularity !== undefined && { granularity: String(source.granularity) }),
          fields: outputFrom(source),
        },
      ]
    }
    case 'geoNear':
      return [name, geoNearFrom(given)]
  }
  throw refuse('there is no such stage')
}

function accumulationsFrom(fields: Readonly<Record<string, unknown>>): readonly Accumulation[] {
  return Object.keys(fields).map(field => {
    const call = fields[field]
    if (isPlainData(call)) for (const key of Object.keys(call)) refuseRawOperator(key, 'db.command.aggregate')
    if (!(call instanceof ExpressionCall))
      throw refuse(`"${field}" takes an accumulator, as in { ${field}: $.sum('$price') }`)
    return [field, call.operator, expressionFrom(call.argument)]
  })
}

function directionFrom(direction: unknown, path: string): 'asc' | 'desc' {
  if (direction === 1) return 'asc'
  if (direction === -1) return 'desc'
  throw refuse(`"${path}" is sorted by 1 (ascending) or -1 (descending)`)
}

function unwindFrom(given: unknown): Extract<Stage, readonly ['unwind', unknown]>[1] {
  const words = "it takes '$path', or { path: '$path', includeArrayIndex?, preserveNullAndEmptyArrays? }"
  const options = typeof given === 'string' ? { path: given } : optionsOf(given, unwindKeys, words)
  const { path, includeArrayIndex: index, preserveNullAndEmptyArrays: keepEmpty = false } = options
  if (typeof path !== 'string' || !path.startsWith('$') || path.startsWith('$$')) throw refuse(words)
  return {
    path: path.slice(1),
    ...(index !== undefined && { index: index as string }),
    keepEmpty: keepEmpty as boolean,
  }
}

function lookupFrom(given: unknown): Lookup {
  const words = 'it takes { from, localField, foreignField, as }, or { from, let?, pipeline, as }'
  const { pipeline, ...options } = optionsOf(given, lookupKeys, words)
  if (pipeline === undefined) {
    if (options.localField === undefined || options.foreignField === undefined) throw refuse(words)
    return options as unknown as Lookup
  }
  if (!(pipeline instanceof Pipeline)) throw refuse('pipeline is $.pipeline()… ended with done()')
  const bindings = namedFrom(options.let ?? {}, 'let is an object of expressions')
  return {
    ...(options as unknown as Lookup),
    let: Object.keys(bindings).map(name => [name, expressionFrom(bindings[name])] as const),
    pipeline: stagesSaid(pipeline.steps),
  }
}

function geoNearFrom(given: unknown): GeoNearStage {
  const { spherical, near, query, ...options } = optionsOf(
    given,
    geoNearKeys,
    'it takes { near: db.Geo.Point(…), distanceField, spherical: true, maxDistance?, minDistance?, query?, limit?, … }',
  )
  if (spherical !== undefined && spherical !== true)
    throw refuse('spherical is true: distances are on the sphere, in metres')
  return {
    distanceMultiplier: 1,
    limit: 100,
    ...(options as Pick<GeoNearStage, 'distanceField'>),
    near: valueFrom(near, 'near'),
    query: query === undefined ? ['and', []] : filterFrom(query),
  }
}

function groupByFrom({ groupBy }: Readonly<Record<string, unknown>>): Expression {
  if (groupBy === undefined) throw refuse('groupBy is an expression')
  return expressionFrom(groupBy)
}

/** Without a wish the documents are counted. */
function outputFrom({ output }: Readonly<Record<string, unknown>>): readonly Accumulation[] {
  if (output === undefined) return [counting]
  return accumulationsFrom(namedFrom(output, 'output is an object of accumulators'))
}

function valueFrom(given: unknown, name: string): Value {
  return normalise(given, { name, serverDates: false })
}

const unwindKeys = ['path', 'includeArrayIndex', 'preserveNullAndEmptyArrays']
const lookupKeys = ['from', 'localField', 'foreignField', 'as', 'let', 'pipeline']
const bucketWords = 'it takes { groupBy, boundaries, default?, output? }'
const geoNearKeys = [
  'near',
  'distanceField',
  'spherical',
  'maxDistance',
  'minDistance',
  'query',
  'distanceMultiplier',
  'includeLocs',
  'key',
  'limit',
]
