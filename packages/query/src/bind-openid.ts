import { isPlainObject, type Value } from '@nearcloud/protocol'
import type { ElementTest, Expression, Filter, Query, Test } from './types.ts'

/**
 * The query with every `'{openid}'` among its values replaced by the openid of the user who asks, as the original does.
 * To be done before the query is judged or answered.
 */
export function bindOpenid(query: Query, openid: string): Query {
  const where = bindFilter(query.where, openid)
  return where === query.where ? query : { ...query, where }
}

export function bindFilter(filter: Filter, openid: string): Filter {
  if (filter[0] === 'field') {
    const test = bindTest(filter[2], openid)
    return test === filter[2] ? filter : ['field', filter[1], test]
  }
  if (filter[0] === 'expr') {
    const expression = bindExpression(filter[1], openid)
    return expression === filter[1] ? filter : ['expr', expression]
  }
  const parts = mapIfChanged(filter[1], part => bindFilter(part, openid))
  return parts === filter[1] ? filter : [filter[0], parts]
}

/** As `bindOpenid`: values are bound, paths and names are not. */
export function bindExpression(expression: Expression, openid: string): Expression {
  switch (expression[0]) {
    case 'value': {
      const value = bindValue(expression[1], openid)
      return value === expression[1] ? expression : ['value', value]
    }
    case 'list': {
      const items = mapIfChanged(expression[1], item => bindExpression(item, openid))
      return items === expression[1] ? expression : ['list', items]
    }
    case 'object': {
      const fields = mapIfChanged(expression[1], field => {
        const value = bindExpression(field[1], openid)
        return value === field[1] ? field : ([field[0], value] as const)
      })
      return fields === expression[1] ? expression : ['object', fields]
    }
    case 'call': {
      const argument = bindExpression(expression[2], openid)
      return argument === expression[2] ? expression : ['call', expression[1], argument]
    }
    default:
      return expression
  }
}

function bindTest(test: Test, openid: string): Test {
  switch (test[0]) {
    case 'and':
    case 'or': {
      const parts = mapIfChanged(test[1], part => bindTest(part, openid))
      return parts === test[1] ? test : [test[0], parts]
    }
    case 'not': {
      const part = bindTest(test[1], openid)
      return part === test[1] ? test : [test[0], part]
    }
    case 'elemMatch': {
      const element = bindElement(test[1], openid)
      return element === test[1] ? test : [test[0], element]
    }
    default:
      // a tuple of its operator, which is never this text, and values
      return bindValue(test as unknown as Value, openid) as unknown as Test
  }
}

function bindElement(test: ElementTest, openid: string): ElementTest {
  if ('is' in test) {
    const is = bindTest(test.is, openid)
    return is === test.is ? test : { is }
  }
  const where = bindFilter(test.where, openid)
  return where === test.where ? test : { where }
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
export function mapIfChanged<T>(list: readonly T[], change: (item: T) => T): readonly T[] {
  const changed = list.map(change)
  return changed.some((item, i) => item !== list[i]) ? changed : list
}
