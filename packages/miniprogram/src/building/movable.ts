import type {
  AnyNode,
  MethodDefinition,
  Program,
  Property,
  PropertyDefinition,
  VariableDeclarator,
} from 'acorn'
import { parse } from 'acorn'
import { analyze, type Reference, type Scope, type Variable } from 'eslint-scope'
import { childrenOf } from './plain-private.ts'

export type FunctionNode = Extract<
  AnyNode,
  { type: 'FunctionDeclaration' | 'FunctionExpression' | 'ArrowFunctionExpression' }
>
export type Member = MethodDefinition | Property

/** Code of a script that can be elsewhere: a function, or what is thrown. */
export interface Movable {
  /** Where it is, by what it is in: `name`, `Class.method`, `name.of.inner`. None has what is thrown. */
  readonly name: string
  readonly node: AnyNode
  /** The method it is, with its words in front. */
  readonly member?: Member
  /** What it uses of the script's top level. */
  readonly uses: ReadonlySet<string>
  /** What it uses of the functions it is in. */
  readonly captures: ReadonlySet<string>
}

/** A script, and where its names are meant. */
export interface Script {
  readonly code: string
  readonly ast: Program
  readonly top: Scope
  /** Every mention of a name of the top level, inside of a class its own name too. */
  readonly references: readonly { readonly variable: Variable; readonly at: number }[]
  /** The names a piece of it uses of what is around it, and whether they always mean the same. */
  around(node: AnyNode): readonly { readonly variable: Variable; readonly isConstant: boolean }[]
}

export function scriptOf(code: string): Script {
  const ast = parse(code, { ecmaVersion: 'latest', sourceType: 'script', ranges: true })
  const scopes = analyze(ast as never, { ecmaVersion: 2022, sourceType: 'script' })
  const top = scopes.globalScope!
  const all: { readonly reference: Reference; readonly variable: Variable }[] = []
  for (const { references } of scopes.scopes)
    for (const reference of references) {
      const variable = reference.resolved ?? top.set.get((reference.identifier as { name: string }).name)
      if (variable) all.push({ reference, variable: outermost(variable, top) })
    }
  all.sort((a, b) => startOf(a.reference) - startOf(b.reference))
  const changing = new Set(
    all.filter(({ reference }) => reference.isWrite() && !reference.init).map(({ variable }) => variable),
  )
  const from = (position: number) => {
    let [low, high] = [0, all.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (startOf(all[middle]!.reference) < position) low = middle + 1
      else high = middle
    }
    return low
  }
  return {
    code,
    ast,
    top,
    references: all
      .filter(({ variable }) => variable.scope === top)
      .map(({ variable, reference }) => ({ variable, at: startOf(reference) })),
    around({ start, end }) {
      const found = new Set<Variable>()
      for (let i = from(start); i < all.length && startOf(all[i]!.reference) < end; i++) {
        const { variable } = all[i]!
        const [from, to] = variable.scope.block.range!
        if (variable.scope === top || from < start || to > end) found.add(variable)
      }
      return [...found].map(variable => ({ variable, isConstant: !changing.has(variable) }))
    },
  }
}

/** The functions with a name that can be elsewhere, outer ones before those inside of them. */
export function movableFunctions(script: Script): readonly Movable[] {
  const found: Movable[] = []
  const visit = (node: AnyNode, names: readonly string[], isNamed: boolean, member?: Member) => {
    if (isNamed && isFunction(node) && !isConstructor(member) && !hasItsPlace(node)) {
      const around = script.around(node)
      if (around.every(({ isConstant, variable }) => isConstant && variable.name !== 'arguments'))
        found.push({ name: names.join('.'), node, ...usesOf(around, script), ...(member && { member }) })
    }
    for (const child of childrenOf(node)) {
      const name = nameIn(node, child)
      visit(child, name === undefined ? names : [...names, name], name !== undefined, memberOf(node, child))
    }
  }
  visit(script.ast, [], false)
  return found
}

/** What is thrown that can be made elsewhere. */
export function movableErrors(script: Script): readonly Movable[] {
  const found: Movable[] = []
  const visit = (node: AnyNode, isInside: boolean) => {
    if (node.type === 'ThrowStatement' && isInside && !has(node.argument, isOfItsFunction)) {
      const around = script.around(node.argument)
      if (around.every(({ variable }) => variable.name !== 'arguments'))
        found.push({ name: '', node: node.argument, ...usesOf(around, script) })
    }
    for (const child of childrenOf(node)) visit(child, isInside || isFunction(node))
  }
  visit(script.ast, false)
  return found
}

/**
 * Declarations of the top level that nobody mentions but `moved` and such declarations themselves, in the script's order: functions,
 * classes, and values that nothing happens for.
 */
export function followersOf(moved: readonly Movable[], script: Script): readonly Movable[] {
  const candidates = new Map<Variable, AnyNode>()
  for (const node of script.ast.body) {
    const name = followerName(node)
    const variable = name === undefined ? undefined : script.top.set.get(name)
    if (variable && script.around(node).every(({ isConstant }) => isConstant)) candidates.set(variable, node)
  }
  const mentions = new Map<Variable, number[]>()
  for (const { variable, at } of script.references) {
    const known = mentions.get(variable)
    if (known) known.push(at)
    else mentions.set(variable, [at])
  }
  const isAway = new Uint8Array(script.code.length)
  for (const { node } of moved) isAway.fill(1, node.start, node.end)
  const found = new Map<Variable, AnyNode>()
  for (let before = -1; before < found.size; ) {
    before = found.size
    for (const [variable, node] of candidates) {
      if (found.has(variable)) continue
      const places = mentions.get(variable)
      if (!places?.every(at => isAway[at] || (at >= node.start && at < node.end))) continue
      found.set(variable, node)
      isAway.fill(1, node.start, node.end)
    }
  }
  return [...found]
    .sort(([, a], [, b]) => a.start - b.start)
    .map(([{ name }, node]) => ({ name, node, ...usesOf(script.around(node), script) }))
}

function isFunction(node: AnyNode): node is FunctionNode {
  return /^(FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/.test(node.type)
}

function has(node: AnyNode, isIt: (node: AnyNode) => boolean): boolean {
  return isIt(node) || childrenOf(node).some(child => has(child, isIt))
}

function usesOf(around: ReturnType<Script['around']>, { top }: Script): Pick<Movable, 'uses' | 'captures'> {
  const [uses, captures] = [new Set<string>(), new Set<string>()]
  for (const { variable, isConstant } of around)
    (isConstant && variable.scope === top ? uses : captures).add(variable.name)
  return { uses, captures }
}

/** What a child is called where it is. */
function nameIn(node: AnyNode, child: AnyNode): string | undefined {
  if (child.type === 'FunctionDeclaration' || child.type === 'ClassDeclaration') return child.id?.name
  if (node.type === 'VariableDeclarator' && child === node.init && node.id.type === 'Identifier')
    return node.id.name
  if (!isMember(node) || child !== node.value || node.computed) return undefined
  if (node.key.type === 'Identifier') return node.key.name
  return node.key.type === 'Literal' ? String(node.key.value) : undefined
}

const isMember = (node: AnyNode): node is Member | PropertyDefinition =>
  node.type === 'MethodDefinition' || node.type === 'Property' || node.type === 'PropertyDefinition'

/** The method a function is the body of. */
function memberOf(node: AnyNode, child: AnyNode): Member | undefined {
  if (!isMember(node) || child !== node.value || node.type === 'PropertyDefinition') return undefined
  return node.type === 'MethodDefinition' || node.method || node.kind !== 'init' ? node : undefined
}

/** Neither a method nor a function: what makes an object, or is read and written like a field. */
const isConstructor = (member: Member | undefined) =>
  member !== undefined && member.kind !== 'method' && member.kind !== 'init'

function hasItsPlace(node: FunctionNode): boolean {
  const isOfIt = ({ type }: AnyNode) => type === 'Super' || type === 'MetaProperty'
  return has(node, isOfIt) || (node.type === 'ArrowFunctionExpression' && saysThis(node))
}

export function saysThis(node: AnyNode): boolean {
  if (node.type === 'ThisExpression') return true
  return childrenOf(node).some(
    child => !(isFunction(child) && child.type !== 'ArrowFunctionExpression') && saysThis(child),
  )
}

/** What only means something in the function it is in, or changes what is there. */
const isOfItsFunction = ({ type }: AnyNode) =>
  /^(Super|MetaProperty|AwaitExpression|YieldExpression|AssignmentExpression|UpdateExpression)$/.test(type)

function followerName(node: AnyNode): string | undefined {
  if (node.type === 'FunctionDeclaration' || node.type === 'ClassDeclaration') return node.id?.name
  if (node.type !== 'VariableDeclaration' || node.declarations.length !== 1) return undefined
  const [{ id, init }] = node.declarations as [VariableDeclarator]
  return id.type === 'Identifier' && init && isQuiet(init) ? id.name : undefined
}

/** Whether nothing happens when it is evaluated. */
function isQuiet(node: AnyNode): boolean {
  if (isFunction(node) || node.type === 'Literal') return true
  if (node.type === 'NewExpression')
    return (
      node.callee.type === 'Identifier' &&
      /^(Set|Map)$/.test(node.callee.name) &&
      node.arguments.every(isQuiet)
    )
  if (node.type === 'ObjectExpression')
    return node.properties.every(each => each.type === 'Property' && !each.computed && isQuiet(each.value))
  if (!/^(ArrayExpression|UnaryExpression|BinaryExpression|TemplateLiteral|TemplateElement)$/.test(node.type))
    return false
  return childrenOf(node).every(isQuiet)
}

const startOf = ({ identifier }: Reference) => (identifier.range as [number, number])[0]

/** Inside of a class of the top level its name is the class's own. */
function outermost(variable: Variable, top: Scope): Variable {
  const outer = top.set.get(variable.name)
  return outer && variable.scope.type === 'class' && outer.defs[0]?.node === variable.defs[0]?.node
    ? outer
    : variable
}
