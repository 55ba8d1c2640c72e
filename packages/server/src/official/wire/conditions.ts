import { CloudError, RegExpValue } from '@nearcloud/protocol'
import { command as _ } from '@nearcloud/query'
import { expressionsFrom } from './expressions.ts'
import { fieldsOf, invalid, isFields, listOf, unknownOperator } from './shapes.ts'

/*
 * MongoDB's conditions, which is what the official SDKs send, said in the builder's words. It then looks at them as at those of
 * any app, so nothing is allowed here that it does not allow.
 */

/** What `where()` takes for a condition on a document. */
export function conditionFrom(given: unknown): unknown {
  const fields = fieldsOf(given, 'a condition')
  const parts = Object.keys(fields).map(key => partFrom(key, fields[key]))
  return parts.length === 1 ? parts[0] : parts.length === 0 ? {} : _.and(parts)
}

/** The id of a condition that names one document and says nothing else. */
export function idNamedBy(given: unknown): string | number | undefined {
  if (!isFields(given) || Object.keys(given).join() !== '_id') return undefined
  const { _id: id } = given
  const named = isFields(id) && Object.keys(id).join() === '$eq' ? id.$eq : id
  return typeof named === 'string' || typeof named === 'number' ? named : undefined
}

function partFrom(key: string, given: unknown): unknown {
  switch (key) {
    case '$and':
      return _.and(listOf(given, key).map(conditionFrom))
    case '$or':
      return _.or(listOf(given, key).map(conditionFrom))
    case '$nor':
      return _.nor(listOf(given, key).map(conditionFrom))
    case '$expr':
      return _.expr(expressionsFrom(given))
  }
  if (key.startsWith('$')) throw unknownOperator(key)
  return { [key]: testFrom(given) }
}

/** A command for one field: what it must be, or operators that all hold. */
function testFrom(given: unknown): unknown {
  if (!hasOperators(given)) return _.eq(given)
  const tests = Object.keys(given).map(key => operatorFrom(key, given[key]))
  return tests.length === 1 ? tests[0] : _.and(tests)
}

function operatorFrom(key: string, given: unknown): unknown {
  switch (key) {
    case '$eq':
    case '$gt':
    case '$gte':
    case '$lt':
    case '$lte':
      return _[key.slice(1) as 'eq' | 'gt' | 'gte' | 'lt' | 'lte'](given)
    case '$ne':
      return _.neq(given)
    case '$in':
    case '$nin':
    case '$all':
      return _[key.slice(1) as 'in' | 'nin' | 'all'](listOf(given, key))
    case '$exists':
      return _.exists(given === 1 ? true : given === 0 ? false : (given as boolean))
    case '$size':
      return _.size(given as number)
    case '$mod':
      return _.mod(given)
    case '$not':
      if (!hasOperators(given) && !(given instanceof RegExpValue))
        throw invalid('$not takes operators or a regular expression')
      return _.not(testFrom(given))
    case '$elemMatch':
      return _.elemMatch(elementFrom(given))
    case '$near':
    case '$nearSphere': {
      const { $geometry: geometry, $maxDistance, $minDistance } = fieldsOf(given, key)
      // js-sdk says null for what nobody asked
      return _.geoNear({
        geometry,
        ...(($maxDistance ?? null) !== null && { maxDistance: $maxDistance as number }),
        ...(($minDistance ?? null) !== null && { minDistance: $minDistance as number }),
      })
    }
    case '$geoWithin': {
      const { $geometry: geometry, $centerSphere: centerSphere } = fieldsOf(given, key)
      return _.geoWithin(
        centerSphere === undefined ? { geometry } : { centerSphere: centerSphere as [unknown, number] },
      )
    }
    case '$geoIntersects':
      return _.geoIntersects({ geometry: fieldsOf(given, key).$geometry })
  }
  throw unknownOperator(key)
}

/** What an element of an array must be: operators for itself, or conditions on its fields. */
export function elementFrom(given: unknown): unknown {
  return hasOperators(given) && !isLogic(given) ? testFrom(given) : conditionFrom(given)
}

/** Is it an object of operators? Throws INVALID_PARAM for one of operators and fields. */
export function hasOperators(given: unknown): given is Readonly<Record<string, unknown>> {
  if (!isFields(given)) return false
  const keys = Object.keys(given)
  const operators = keys.filter(key => key.startsWith('$')).length
  if (operators > 0 && operators < keys.length)
    throw new CloudError('INVALID_PARAM', { errMsg: `operators and fields are mixed: ${keys.join(', ')}` })
  return operators > 0
}

function isLogic(given: Readonly<Record<string, unknown>>): boolean {
  return Object.keys(given).every(key => key === '$and' || key === '$or' || key === '$nor')
}
