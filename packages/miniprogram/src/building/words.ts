import { type AnyNode, type Literal, parse, type TemplateLiteral } from 'acorn'
import { childrenOf } from './plain-private.ts'

/**
 * Sentences, which are of errors, taken out of code and put into a file of their own, which is required when the first of them is said.
 * Of what is not inside a function nothing is taken.
 */
export function sentencesApart(code: string): { readonly code: string; readonly words: string } {
  if (code.includes('words$')) throw new Error('the name words$ is taken')
  const numbers = new Map<string, number>()
  const numberOf = (sentence: string) => {
    const number = numbers.get(sentence) ?? numbers.size
    numbers.set(sentence, number)
    return number
  }
  const visit = (node: AnyNode, isInside: boolean): string => {
    const { start, end } = node
    // a space, for where a quote follows a word: case"…"
    if (isInside && isSentence(node)) return ` words$()[${numberOf(code.slice(start, end))}]`
    if (isInside && isSentenceWithGaps(node)) {
      const gaps = node.expressions.map((_, i) => `$${i}`)
      const text = node.quasis.map(({ value }, i) => value.raw + (gaps[i] ? `\${${gaps[i]}}` : '')).join('')
      const given = node.expressions.map(each => visit(each, isInside))
      return ` words$()[${numberOf(`(${gaps.join()})=>\`${text}\``)}](${given.join()})`
    }
    const inner = isInside || /Function/.test(node.type)
    const children = [...childrenOf(node)].sort((a, b) => a.start - b.start)
    const parts: string[] = []
    let at = start
    for (const child of children) {
      // `{ name }` is one text that is two nodes
      if (child.start < at) continue
      parts.push(
        code.slice(at, child.start),
        isKey(node, child) ? code.slice(child.start, child.end) : visit(child, inner),
      )
      at = child.end
    }
    return parts.join('') + code.slice(at, end)
  }
  const ast = parse(code, { ecmaVersion: 'latest', sourceType: 'script' })
  const left = code.slice(0, ast.start) + visit(ast, false) + code.slice(ast.end)
  const needed = "let words$here;const words$=()=>words$here||(words$here=require('./words.js'));"
  return {
    code: left.replace(/^"use strict";|^/, strict => strict + needed),
    words: `module.exports=[${[...numbers.keys()].join()}];`,
  }
}

/** Shorter ones cost more where they are said than they take. */
const least = 16

function isSentence(node: AnyNode): node is Literal {
  if (node.type !== 'Literal') return false
  const { value } = node
  return typeof value === 'string' && value.length >= least && value.includes(' ') && !value.startsWith('[')
}

function isSentenceWithGaps(node: AnyNode): node is TemplateLiteral {
  if (node.type !== 'TemplateLiteral') return false
  const text = node.quasis.map(({ value }) => value.raw).join('')
  return text.length >= least && text.includes(' ')
}

function isKey(node: AnyNode, child: AnyNode): boolean {
  if (node.type === 'TaggedTemplateExpression' || (node.type === 'ExpressionStatement' && node.directive))
    return true
  return 'key' in node && node.key === child && !('computed' in node && node.computed)
}
