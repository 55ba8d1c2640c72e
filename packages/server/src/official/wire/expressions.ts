import { hasOwn } from '@nearcloud/protocol'
import { command } from '@nearcloud/query'
import { isFields, unknownOperator } from './shapes.ts'

const $ = command.aggregate

/** What is computed in an aggregation: `{ $add: ['$a', 1] }` becomes what `$.add(['$a', 1])` makes. */
export function expressionsFrom(given: unknown): unknown {
  if (Array.isArray(given)) return given.map(expressionsFrom)
  if (!isFields(given)) return given
  const keys = Object.keys(given)
  const [first] = keys
  if (keys.length === 1 && first!.startsWith('$')) {
    const name = first === '$ne' ? 'neq' : first!.slice(1)
    if (name === 'pipeline' || !hasOwn($, name)) throw unknownOperator(first!)
    return $[name as keyof typeof $](name === 'literal' ? given[first!] : expressionsFrom(given[first!]))
  }
  return Object.fromEntries(keys.map(key => [key, expressionsFrom(given[key])]))
}
