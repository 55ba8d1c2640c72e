import { type Expression, partsOf } from './expression.ts'

/** `doc.a.b[0]` as a dotted path; undefined for anything else, and for keys that no dotted path can name. */
export function pathOf(expression: Expression): string | undefined {
  if (expression.kind !== 'member' || expression.key.kind !== 'constant') return undefined
  const key = expression.key.value
  if (typeof key !== 'number' && typeof key !== 'string') return undefined
  const name = String(key)
  if (name === '' || name.includes('.')) return undefined
  if (expression.object.kind === 'variable' && expression.object.name === 'doc') return name
  const parent = pathOf(expression.object)
  return parent === undefined ? undefined : `${parent}.${name}`
}

/** The paths of the document that an expression looks at. */
export function pathsIn(expression: Expression, found: Set<string>): Set<string> {
  const path = pathOf(expression)
  if (path !== undefined) found.add(path)
  for (const part of partsOf(expression)) pathsIn(part, found)
  return found
}
