import { isPlainObject, type Value } from '@nearcloud/protocol'
import type { Filter, Query, Test } from '@nearcloud/query'
import type { Actor } from '../actor.ts'

/**
 * The query with every `'{openid}'` among its values replaced by the openid of the user who asks, as the original does.
 *
 * To be done before the query is judged. For everybody else the text stays what it is, and finds nothing.
 */
export function bindOpenid(query: Query, actor: Actor): Query {
  if (actor.kind !== 'user') return query
  const where = bindFilter(query.where, actor.openid)
  return where === query.where ? query : { ...query, where }
}

function bindFilter(filter: Filter, openid: string): Filter {
  if (filter[0] === 'field') {
    const test = bindTest(filter[2], openid)
    return test === filter[2] ? filter : ['field', filter[1], test]
  }
  const parts = mapIfChanged(filter[1], part => bindFilter(part, openid))
  return parts === filter[1] ? filter : [filter[0], parts]
}

function bindTest(test: Test, openid: string): Test {
  switch (test[0]) {
    case 'eq':
    case 'neq':
    case 'gt':
    case 'gte':
    case 'lt':
    case 'lte': {
      const value = bindValue(test[1], openid)
      return value === test[1] ? test : ([test[0], value] as Test)
    }
    case 'in':
    case 'nin': {
      const values = mapIfChanged(test[1], value => bindValue(value, openid))
      return values === test[1] ? test : ([test[0], values] as Test)
    }
    case 'and':
    case 'or': {
      const parts = mapIfChanged(test[1], part => bindTest(part, openid))
      return parts === test[1] ? test : ([test[0], parts] as Test)
    }
    case 'not': {
      const part = bindTest(test[1], openid)
      return part === test[1] ? test : ['not', part]
    }
    case 'exists':
    case 'geoNear':
      return test
  }
}

function bindValue(value: Value, openid: string): Value {
  if (value === '{openid}') return openid
  if (Array.isArray(value)) return mapIfChanged(value as readonly Value[], item => bindValue(item, openid))
  if (!isPlainObject(value)) return value
  const keys = Object.keys(value)
  const fields = keys.map((key): Value => value[key]!)
  const bound = mapIfChanged(fields, field => bindValue(field, openid))
  return bound === fields ? value : Object.fromEntries(keys.map((key, i) => [key, bound[i]!]))
}

/** The list itself when no item changes, so that nearly every query stays what it is. */
function mapIfChanged<T>(list: readonly T[], change: (item: T) => T): readonly T[] {
  const changed = list.map(change)
  return changed.some((item, i) => item !== list[i]) ? changed : list
}
