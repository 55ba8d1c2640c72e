import { type AnyNode, parse } from 'acorn'

/** What the names of private members begin with from here on. */
export const privatePrefix = '_$'

/**
 * Private members as plain ones with names nobody else uses: what a compiler makes of `#name` for older hosts is a WeakMap each, large
 * and slow. In a class that extends another they have names of that class alone, since both are of one object.
 */
export function plainPrivate(code: string): string {
  const edits: { readonly start: number; readonly end: number; readonly text: string }[] = []
  let heirs = 0
  const visit = (node: AnyNode, suffix: string): void => {
    if (node.type === 'PrivateIdentifier')
      edits.push({ start: node.start, end: node.end, text: `${privatePrefix}${node.name}${suffix}` })
    if (node.type === 'BinaryExpression' && node.left.type === 'PrivateIdentifier')
      throw new Error('"#name in object" has no plain form')
    const isHeir = (node.type === 'ClassDeclaration' || node.type === 'ClassExpression') && node.superClass
    const inside = isHeir ? `$${++heirs}` : suffix
    for (const child of childrenOf(node)) visit(child, inside)
  }
  visit(parse(code, { ecmaVersion: 'latest', sourceType: 'module' }), '')
  const parts: string[] = []
  let at = 0
  for (const { start, end, text } of edits.sort((a, b) => a.start - b.start)) {
    parts.push(code.slice(at, start), text)
    at = end
  }
  return parts.join('') + code.slice(at)
}

export function childrenOf(node: AnyNode): readonly AnyNode[] {
  return Object.values(node).flatMap(value =>
    (Array.isArray(value) ? value : [value]).filter(
      (each): each is AnyNode => typeof each === 'object' && each !== null && typeof each.type === 'string',
    ),
  )
}
