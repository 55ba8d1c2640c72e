import type { AnyNode, Function as FunctionNode, MethodDefinition } from 'acorn'
import { parse } from 'acorn'
import { analyze, type Scope } from 'eslint-scope'
import { childrenOf } from './plain-private.ts'

/** A function of a script that can be elsewhere: of its top level, or a method of a class there. */
export interface Movable {
  /** `name`, or `Class.method`. */
  readonly name: string
  readonly node: FunctionNode
  /** The method it is, with its words in front. */
  readonly member?: MethodDefinition
  /** What it uses of the script. */
  readonly uses: ReadonlySet<string>
}

/**
 * Functions that an ordinary day does not call, taken out of a script and put into another one, `seldom.js`, which is required when the
 * first of them is called, and is given what they use. Where they were is a function that calls them: nothing else can tell.
 */
export function seldomApart(
  code: string,
  isSeldom: (name: string) => boolean,
): { readonly code: string; readonly seldom: string } {
  const moved = movable(code).filter(({ name, node }) => isSeldom(name) && node.end - node.start >= least)
  const edits = moved.map(({ node, member, name }, at) => {
    const { start, end } = member ?? node
    const words = member ? name.slice(name.indexOf('.') + 1) : `function ${name}`
    return { start, end, text: `${words}(){return seldom$()[${at}].apply(this,arguments)}` }
  })
  const used = [...new Set(moved.flatMap(({ uses }) => [...uses]))]
  const parts: string[] = []
  let at = 0
  for (const { start, end, text } of edits.sort((a, b) => a.start - b.start)) {
    parts.push(code.slice(at, start), text)
    at = end
  }
  const needed = `\nlet seldom$here; const seldom$ = () => seldom$here || (seldom$here = require('./seldom.js')([${used.join()}]));`
  const bodies = moved.map(({ node, member }) => {
    const text = code.slice(node.start, node.end)
    if (!member) return text
    return `${node.async ? 'async ' : ''}function${node.generator ? '*' : ''}${text}`
  })
  return {
    code: parts.join('') + code.slice(at) + needed,
    seldom: `'use strict';\nmodule.exports = ([${used.join()}]) => [\n${bodies.join(',\n')}\n];`,
  }
}

/** A shorter one costs about as much where it is called. */
const least = 100

/** The functions of a script that can be elsewhere. */
export function movable(code: string): readonly Movable[] {
  const ast = parse(code, { ecmaVersion: 'latest', sourceType: 'script', ranges: true })
  const scopes = analyze(ast as never, { ecmaVersion: 2022, sourceType: 'script' })
  const top = scopes.globalScope!
  const found: Movable[] = []
  const add = (name: string, node: FunctionNode, member?: MethodDefinition) => {
    const scope = scopes.acquire(node as never)
    const uses = scope && usesOf(scope, top)
    if (uses && !hasItsPlace(node as AnyNode)) found.push({ name, node, uses, ...(member && { member }) })
  }
  for (const node of ast.body) {
    if (node.type === 'FunctionDeclaration') add(node.id.name, node)
    if (node.type !== 'ClassDeclaration') continue
    for (const member of node.body.body)
      if (
        member.type === 'MethodDefinition' &&
        member.kind === 'method' &&
        member.key.type === 'Identifier' &&
        !(member.static || member.computed)
      )
        add(`${node.id.name}.${member.key.name}`, member.value, member)
  }
  return found
}

/** The names of the script's top level that are used; undefined where more is, or what changes. */
function usesOf(scope: Scope, top: Scope): ReadonlySet<string> | undefined {
  const uses = new Set<string>()
  for (const { resolved, identifier } of scope.through) {
    const { name } = identifier as { name: string }
    const outer = top.set.get(name)
    if (!resolved && !outer) continue
    // inside of a class its name is the class's own
    const isOuter = resolved === outer || resolved?.defs[0]?.node === outer?.defs[0]?.node
    if (!outer || !isOuter) return undefined
    if (outer.references.some(each => each.isWrite() && !each.init)) return undefined
    uses.add(name)
  }
  return uses
}

function hasItsPlace(node: AnyNode): boolean {
  return node.type === 'Super' || node.type === 'MetaProperty' || childrenOf(node).some(hasItsPlace)
}
