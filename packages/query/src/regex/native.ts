import type { CharacterClass } from './character-class.ts'
import type { Node } from './syntax.ts'

/**
 * The host's expression for a pattern it cannot be slow on, or undefined.
 *
 * Its engine backtracks: safe is one alternative of single characters where at most one is repeated a variable number of
 * times, and that one either last (nothing after it can fail) or in a pattern bound to the text's start (one attempt). Its
 * time is then text × pattern, as ours.
 */
export function nativeFor(node: Node, options: string): RegExp | undefined {
  const fold = options.includes('i')
  const alternatives = node.type === 'choice' ? node.options : [node]
  const sources = alternatives.map(each => alternativeSource(each, fold))
  if (sources.some(source => source === undefined)) return undefined
  return new RegExp(sources.join('|'), fold ? 'iu' : 'u')
}

function alternativeSource(node: Node, fold: boolean): string | undefined {
  const parts = flattened(node)
  const [first] = parts
  const isBound = first?.type === 'assertion' && first.kind === 'textStart'
  let source = ''
  let variable = 0
  for (const [i, part] of parts.entries()) {
    const one = part.type === 'repeat' ? part.part : part
    const atom = atomSource(one, fold)
    if (atom === undefined) return undefined
    if (part.type !== 'repeat') {
      source += atom
      continue
    }
    if (one.type === 'assertion') return undefined
    if (part.min !== part.max && (++variable > 1 || !(isBound || i === parts.length - 1))) return undefined
    source += `${atom}{${part.min},${part.max === Infinity ? '' : part.max}}`
  }
  return source
}

function flattened(node: Node): readonly Node[] {
  return node.type === 'sequence' ? node.parts.flatMap(flattened) : [node]
}

function atomSource(node: Node, fold: boolean): string | undefined {
  switch (node.type) {
    case 'character':
      return node.fold === fold ? escaped(node.code) : undefined
    case 'class':
      return classSource(node.set, fold)
    case 'assertion':
      return node.kind === 'textStart' ? '^' : node.kind === 'textEnd' ? '$' : undefined
    default:
      return undefined
  }
}

function classSource(set: CharacterClass, fold: boolean): string | undefined {
  let source = ''
  for (const item of set.items) {
    if (item.type !== 'range' || (set.fold !== fold && !isNewline(item))) return undefined
    source += `${escaped(item.from)}-${escaped(item.to)}`
  }
  return `[${set.negated ? '^' : ''}${source}]`
}

function isNewline(item: { from: number; to: number }): boolean {
  return item.from === 0x0a && item.to === 0x0a
}

function escaped(code: number): string {
  return `\\u{${code.toString(16)}}`
}
