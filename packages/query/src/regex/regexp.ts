import { isWellFormed, type RegExpValue } from '@nearcloud/protocol'
import { createMachine } from './machine.ts'
import { nativeFor } from './native.ts'
import { parsePattern } from './parse.ts'
import { compileProgram } from './program.ts'
import { type Node, refusePattern } from './syntax.ts'

/** A regular expression that can be run: its time is at most text × pattern, whatever the text. */
interface LinearRegExp {
  /** Is the expression found anywhere in `text`? */
  test(text: string): boolean
  /** What every text it is found in begins with, when that is certain. */
  readonly prefix: string
}

/** Throws INVALID_PARAM naming what cannot be run (`parsePattern`). */
export function compileRegExp(value: RegExpValue): LinearRegExp {
  const known = compiled.get(value)
  if (known) return known
  const expression = compile(value)
  compiled.set(value, expression)
  return expression
}

function compile({ pattern, options }: RegExpValue): LinearRegExp {
  if (!isWellFormed(pattern)) throw refusePattern('', 'half a surrogate pair')
  const node = parsePattern(pattern, options)
  const program = compileProgram(node, pattern)
  const native = nativeFor(node, options)
  const run = native ? (text: string) => native.test(text) : createMachine(program)
  return { test: run, prefix: prefixOf(node) }
}

const compiled = new WeakMap<RegExpValue, LinearRegExp>()

function prefixOf(node: Node): string {
  const [first, ...rest] = node.type === 'sequence' ? node.parts : []
  if (first?.type !== 'assertion' || first.kind !== 'textStart') return ''
  let prefix = ''
  for (const part of rest) {
    if (part.type !== 'character' || part.fold) break
    prefix += String.fromCodePoint(part.code)
  }
  return prefix
}
