import { CloudError } from '@nearcloud/protocol'
import { command as _, type UpdateCommand } from '@nearcloud/query'
import { conditionFrom, elementFrom, hasOperators } from './conditions.ts'
import { fieldsOf, invalid, isFields, listOf, unknownOperator } from './shapes.ts'

/** What `update()` takes for MongoDB's operators: `{ $inc: { n: 1 } }` becomes `{ n: _.inc(1) }`. */
export function updateFrom(given: unknown): Readonly<Record<string, unknown>> {
  const operators = fieldsOf(given, 'an update')
  const changes = new Map<string, UpdateCommand>()
  for (const operator of Object.keys(operators)) {
    if (!operator.startsWith('$')) throw invalid('an update is made of operators, as $set')
    const paths = fieldsOf(operators[operator], operator)
    for (const path of Object.keys(paths)) {
      if (changes.has(path))
        throw new CloudError('DATABASE_REQUEST_FAILED', {
          errMsg: `Updating the path '${path}' would create a conflict at '${path}'`,
        })
      changes.set(path, changeFrom(operator, paths[path]))
    }
  }
  return Object.fromEntries(changes)
}

function changeFrom(operator: string, given: unknown): UpdateCommand {
  switch (operator) {
    case '$set':
      return _.set(given)
    case '$unset':
      return _.remove()
    case '$inc':
      return _.inc(given as number)
    case '$mul':
      return _.mul(given as number)
    case '$min':
      return _.min(given)
    case '$max':
      return _.max(given)
    case '$rename':
      return _.rename(given as string)
    case '$bit':
      return _.bit(fieldsOf(given, operator))
    case '$push':
      return pushFrom(given)
    case '$addToSet':
      return isFields(given) && '$each' in given
        ? _.addToSet({ each: listOf(given.$each, operator) })
        : _.addToSet(given)
    case '$pop':
      if (given !== 1 && given !== -1) throw invalid('$pop takes 1 or -1')
      return given === 1 ? _.pop() : _.shift()
    case '$pull':
      return pullFrom(given)
    case '$pullAll':
      return _.pullAll(listOf(given, operator))
  }
  throw unknownOperator(operator)
}

function pushFrom(given: unknown): UpdateCommand {
  if (!hasOperators(given)) return _.push([given])
  const { $each: each, $position: position, $sort: sort, $slice: slice, ...others } = given
  const [other] = Object.keys(others)
  if (other !== undefined) throw unknownOperator(other)
  return _.push({
    each: listOf(each, '$push'),
    ...(position !== undefined && { position }),
    ...(sort !== undefined && { sort }),
    ...(slice !== undefined && { slice }),
  })
}

function pullFrom(given: unknown): UpdateCommand {
  if (!isFields(given)) return _.pull(given)
  return _.pull(hasOperators(given) ? elementFrom(given) : conditionFrom(given))
}
