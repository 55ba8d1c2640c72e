import { keyRefusal } from '@nearcloud/protocol'
import { checkPath } from '../paths.ts'
import type { Expression } from '../types.ts'
import { type Budget, spend } from './budget.ts'
import { plainValue } from './plain-value.ts'
import { asTuple, refuse, shown, unknownOperator } from './shapes.ts'

/**
 * The expression a stranger's tree means: its shape alone. Whether an operator exists and its arguments fit is said by
 * whoever compiles it.
 */
export function expressionOf(tree: unknown, budget: Pick<Budget, 'nodes'>, depth: number): Expression {
  const [kind, ...rest] = asTuple(tree, 'an expression')
  spend(budget, depth)
  const [first, second] = rest
  if (rest.length !== (kind === 'variable' || kind === 'call' ? 2 : 1))
    throw refuse(`an expression ${shown(kind)} has not so many parts`)
  switch (kind) {
    case 'value':
      return Object.freeze([kind, plainValue(first)] as const)
    case 'path':
      if (first !== '') checkPath(first)
      return Object.freeze([kind, first as string] as const)
    case 'variable':
      checkName(first)
      if (second !== '') checkPath(second)
      return Object.freeze([kind, first, second as string] as const)
    case 'list': {
      const items = asTuple(first, 'a list').map(item => expressionOf(item, budget, depth + 1))
      return Object.freeze([kind, Object.freeze(items)] as const)
    }
    case 'object': {
      const fields = asTuple(first, 'an object').map(each => {
        const [key, value, ...more] = asTuple(each, 'a field')
        if (typeof key !== 'string' || more.length > 0) throw refuse('a field is a key and an expression')
        const reason = keyRefusal(key)
        if (reason !== undefined) throw refuse(`a field of an object cannot be ${shown(key)}: ${reason}`)
        return Object.freeze([key, expressionOf(value, budget, depth + 1)] as const)
      })
      return Object.freeze([kind, Object.freeze(fields)] as const)
    }
    case 'call':
      checkName(first)
      return Object.freeze([kind, first, expressionOf(second, budget, depth)] as const)
  }
  throw unknownOperator(kind)
}

function checkName(name: unknown): asserts name is string {
  if (typeof name !== 'string' || !/^[A-Za-z]\w{0,99}$/.test(name))
    throw refuse(`an expression names ${shown(name)}: letters, digits and "_", beginning with a letter`)
}
