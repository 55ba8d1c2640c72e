import { fromJson, type Value } from '@nearcloud/protocol'
import { compareValues, rankOf } from '../../../compare.ts'
import { expressionOf } from '../../../parse/parse-expression.ts'
import { parseFilter } from '../../../parse/parse-filter.ts'
import { asRecord, asTuple, refuse, unknownOperator } from '../../../parse/shapes.ts'
import { checkPath } from '../../../paths.ts'
import type { Direction, Filter, Stage } from '../../../types.ts'
import { granularityNames } from '../granularity.ts'
import { inStage } from '../in-stage.ts'
import type { Allowance } from './allowance.ts'
import { geoNearOf } from './parse-geo-near.ts'
import { lookupOf } from './parse-lookup.ts'
import { accumulationsOf, checkField, choicesOf, computedOf, isNear } from './parse-parts.ts'

/** The stages of one pipeline. */
export function stagesOf(tree: unknown, allowance: Allowance): readonly Stage[] {
  if (!Array.isArray(tree)) throw refuse('a pipeline is a list of stages')
  return Object.freeze(
    tree.map((each: unknown, i) =>
      inStage(i, Array.isArray(each) && each[0], () => stageOf(each, allowance, i)),
    ),
  )
}

function stageOf(tree: unknown, allowance: Allowance, position: number): Stage {
  const [name, argument, ...more] = asTuple(tree, 'a stage')
  allowance.spendStage()
  if (more.length > 0) throw refuse('a stage has one argument')
  switch (name) {
    case 'match':
      return Object.freeze([name, matchOf(argument, position)] as const)
    case 'project':
      return Object.freeze([name, choicesOf(argument, allowance)] as const)
    case 'addFields':
      return Object.freeze([name, computedOf(argument, allowance)] as const)
    case 'group': {
      const { by, fields } = asRecord(argument, 'group', ['by', 'fields'])
      const parts = { by: expressionOf(by, allowance, 1), fields: accumulationsOf(fields, allowance) }
      return Object.freeze([name, Object.freeze(parts)] as const)
    }
    case 'sort':
      return Object.freeze([name, orderOf(argument)] as const)
    case 'limit':
      return Object.freeze([name, countOf(argument, 1)] as const)
    case 'skip':
    case 'sample':
      return Object.freeze([name, countOf(argument, 0)] as const)
    case 'unwind':
      return Object.freeze([name, unwindOf(argument)] as const)
    case 'lookup':
      return Object.freeze([name, lookupOf(argument, allowance, stagesOf)] as const)
    case 'replaceRoot':
    case 'sortByCount':
      return Object.freeze([name, expressionOf(argument, allowance, 1)] as const)
    case 'count':
      checkField(argument)
      return Object.freeze([name, argument] as const)
    case 'bucket':
      return Object.freeze([name, bucketOf(argument, allowance)] as const)
    case 'bucketAuto':
      return Object.freeze([name, bucketAutoOf(argument, allowance)] as const)
    case 'geoNear':
      if (position > 0) throw refuse('it is the first stage, or none')
      return Object.freeze([name, geoNearOf(argument)] as const)
  }
  throw unknownOperator(name)
}

function matchOf(tree: unknown, position: number): Filter {
  const filter = parseFilter(tree)
  if (position > 0 && isNear(filter))
    throw refuse('a condition "geoNear" is possible in the first stage only')
  return filter
}

function orderOf(tree: unknown): readonly (readonly [string, Direction])[] {
  if (!Array.isArray(tree) || tree.length === 0 || tree.length > mostKeys)
    throw refuse(`it takes 1 to ${mostKeys} paths with 1 (ascending) or -1 (descending)`)
  const order = tree.map((each: unknown) => {
    const [path, direction, ...more] = asTuple(each, 'a key')
    checkPath(path)
    if ((direction !== 'asc' && direction !== 'desc') || more.length > 0)
      throw refuse(`"${path}" is sorted by 1 (ascending) or -1 (descending)`)
    return Object.freeze([path, direction] as const)
  })
  return Object.freeze(order)
}

function countOf(tree: unknown, least: number): number {
  if (!Number.isSafeInteger(tree) || (tree as number) < least)
    throw refuse(`it takes a whole number, ${least} or more`)
  return tree as number
}

function unwindOf(tree: unknown): Extract<Stage, readonly ['unwind', unknown]>[1] {
  const { path, index, keepEmpty } = asRecord(tree, 'unwind', ['path', 'index', 'keepEmpty'])
  checkPath(path)
  if (index !== undefined) checkPath(index)
  if (typeof keepEmpty !== 'boolean') throw refuse('preserveNullAndEmptyArrays is true or false')
  return Object.freeze({ path, ...(index !== undefined && { index }), keepEmpty })
}

function bucketOf(tree: unknown, allowance: Allowance): Extract<Stage, readonly ['bucket', unknown]>[1] {
  const source = asRecord(tree, 'bucket', ['by', 'boundaries', 'default', 'fields'])
  const boundaries = boundariesOf(source.boundaries)
  const other = source.default === undefined ? undefined : fromJson(source.default)
  const [lowest, highest] = [boundaries[0]!, boundaries[boundaries.length - 1]!]
  if (other !== undefined && compareValues(other, lowest) >= 0 && compareValues(other, highest) < 0)
    throw refuse('default is less than the first of the boundaries, or not less than the last one')
  return Object.freeze({
    by: expressionOf(source.by, allowance, 1),
    boundaries,
    ...(other !== undefined && { default: other }),
    fields: accumulationsOf(source.fields, allowance),
  })
}

function boundariesOf(tree: unknown): readonly Value[] {
  if (!Array.isArray(tree) || tree.length < 2 || tree.length > mostBoundaries)
    throw refuse(`boundaries are a list of 2 to ${mostBoundaries} values`)
  const boundaries = tree.map(each => fromJson(each))
  boundaries.slice(1).forEach((boundary, i) => {
    if (rankOf(boundary) !== rankOf(boundaries[i]) || compareValues(boundaries[i], boundary) >= 0)
      throw refuse('boundaries are values of one type, each greater than the one before')
  })
  return Object.freeze(boundaries)
}

function bucketAutoOf(
  tree: unknown,
  allowance: Allowance,
): Extract<Stage, readonly ['bucketAuto', unknown]>[1] {
  const source = asRecord(tree, 'bucketAuto', ['by', 'buckets', 'granularity', 'fields'])
  const { buckets, granularity } = source
  if (!Number.isSafeInteger(buckets) || (buckets as number) < 1)
    throw refuse('buckets is a whole number, 1 or more')
  if (granularity !== undefined && !granularityNames().includes(granularity as string))
    throw refuse(`granularity is one of ${granularityNames().join(', ')}`)
  return Object.freeze({
    by: expressionOf(source.by, allowance, 1),
    buckets: buckets as number,
    ...(granularity !== undefined && { granularity: granularity as string }),
    fields: accumulationsOf(source.fields, allowance),
  })
}

const mostKeys = 32
const mostBoundaries = 1_000
