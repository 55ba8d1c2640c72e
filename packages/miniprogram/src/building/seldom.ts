import {
  type FunctionNode,
  followersOf,
  type Member,
  type Movable,
  movableErrors,
  movableFunctions,
  saysThis,
  scriptOf,
} from './movable.ts'

/**
 * Functions that an ordinary day does not call, and the making of what is thrown, taken out of a script and put into another one,
 * `seldom.js`, which is required when the first of it is wanted, and is given what it uses. Where a function was is one that calls it:
 * nothing else can tell. What nobody else uses is in `seldom.js` alone.
 */
export function seldomApart(
  code: string,
  isSeldom: (name: string) => boolean,
): { readonly code: string; readonly seldom: string } {
  const script = scriptOf(code)
  const wanted = [
    ...movableFunctions(script).filter(({ name, node }) => isSeldom(name) && node.end - node.start >= least),
    ...movableErrors(script).filter(({ node }) => node.end - node.start >= leastError),
  ]
  const outer = wanted.filter(
    ({ node }) => !wanted.some(other => other.node.start < node.start && node.end <= other.node.end),
  )
  const followers = followersOf(outer, script)
  const moved = outer.filter(
    ({ node }) => !followers.some(other => other.node.start <= node.start && node.end <= other.node.end),
  )
  const following = new Set(followers.map(({ name }) => name))
  const used = [...new Set([...moved, ...followers].flatMap(({ uses }) => [...uses]))].filter(
    name => !following.has(name),
  )
  const edits = [
    ...moved.map((each, at) => ({ ...(each.member ?? each.node), text: calling(each, at, code) })),
    ...followers.map(({ node }) => ({ ...node, text: '' })),
  ]
  const parts: string[] = []
  let at = 0
  for (const { start, end, text } of edits.sort((a, b) => a.start - b.start)) {
    parts.push(code.slice(at, start), text)
    at = end
  }
  const needed = `\nlet seldom$here; const seldom$ = () => seldom$here || (seldom$here = require('./seldom.js')([${used.join()}]));`
  const bodies = moved.map(each => bodyOf(each, code))
  const declared = followers.map(({ node }) => code.slice(node.start, node.end))
  return {
    code: parts.join('') + code.slice(at) + needed,
    seldom: `'use strict';\nmodule.exports = ([${used.join()}]) => {\n${declared.join('\n')}\nreturn [\n${bodies.join(',\n')}\n];\n};`,
  }
}

/** A shorter one costs about as much where it is called. */
const least = 100
const leastError = 60

/** What is in the place of code that is elsewhere. */
function calling({ node, member, name, captures }: Movable, at: number, code: string): string {
  const given = [...captures].join()
  const there = `seldom$()[${at}]`
  if (name === '')
    return saysThis(node) ? `${there}.call(${['this', ...captures].join()})` : `${there}(${given})`
  const made = captures.size > 0 ? `${there}(${given})` : there
  if (node.type === 'ArrowFunctionExpression') return `(...given$)=>${made}(...given$)`
  const words = member
    ? wordsOf(member, code)
    : `function ${node.type === 'FunctionDeclaration' ? node.id?.name : ''}`
  return `${words}(){return ${made}.apply(this,arguments)}`
}

function bodyOf({ node, member, name, captures }: Movable, code: string): string {
  const given = [...captures].join()
  const text = code.slice(node.start, node.end)
  if (name === '') return saysThis(node) ? `function(${given}){return ${text}}` : `(${given})=>(${text})`
  const made = member ? `${kindOf(member.value as FunctionNode)}${text}` : text
  return captures.size > 0 ? `(${given})=>${made}` : made
}

const kindOf = ({ async, generator }: FunctionNode) =>
  `${async ? 'async ' : ''}function${generator ? '*' : ''}`

const wordsOf = (member: Member, code: string) =>
  `${'static' in member && member.static ? 'static ' : ''}${code.slice(member.key.start, member.key.end)}`
