import { CloudError } from '@nearcloud/protocol'
import { refuse } from '../refusals.ts'

export { refuse }

export function asRecord(tree: unknown, name: string, keys?: readonly string[]): Record<string, unknown> {
  if (typeof tree !== 'object' || tree === null || Array.isArray(tree)) throw refuse(`${name} is an object`)
  for (const key of Object.keys(tree))
    if (keys && !keys.includes(key)) throw refuse(`${name} has no ${shown(key)}`)
  return { ...tree }
}

export function asTuple(tree: unknown, name: string): readonly unknown[] {
  if (!Array.isArray(tree)) throw refuse(`${name} is a list that begins with its operator`)
  return tree
}

export function unknownOperator(operator: unknown): CloudError {
  return new CloudError('DATABASE_INVALID_OPERATOR', { errMsg: `unknown operator ${shown(operator)}` })
}

export function shown(thing: unknown): string {
  return typeof thing === 'string' ? `"${thing.slice(0, 50)}"` : `of type ${typeof thing}`
}
