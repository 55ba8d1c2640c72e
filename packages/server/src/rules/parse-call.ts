import { CloudError, checkCollectionName, isForbiddenKey } from '@nearcloud/protocol'
import type { Expression as AcornNode, CallExpression, ObjectExpression } from 'acorn'
import type { Expression } from './expression.ts'

/** What a call is parsed with. */
export interface CallParser {
  /** Throws RuleSyntaxError. */
  refuse(node: { start: number; end: number }, reason: string): never
  convert(node: AcornNode): Expression
}

/**
 * The two calls there are: `get('database.<collection>.' + id)`, with the collection written out, and
 * `get('database.collection.<collection>').where({ field: value }).size()`.
 */
export function parseCall(node: CallExpression, parser: CallParser): Expression {
  const { refuse, convert } = parser
  if (isGet(node)) {
    const address = convert(argumentOf(node, parser))
    const split = splitAddress(address)
    if (!split) return refuse(node, addressForm)
    checkCollection(node, split.collection, parser)
    return { kind: 'get', ...split }
  }
  const where = calledOn(node, 'size')
  if (!where) return refuse(node, isWhere(node) ? 'needs .size() behind it' : noCalls)
  if (node.arguments.length > 0) refuse(node, 'takes nothing in size()')
  const get = where.type === 'CallExpression' ? calledOn(where, 'where') : undefined
  if (where.type !== 'CallExpression' || get?.type !== 'CallExpression' || !isGet(get))
    return refuse(node, noCalls)
  const address = convert(argumentOf(get, parser))
  const found = address.kind === 'constant' ? listForm.exec(String(address.value)) : null
  if (!found) return refuse(get, `looks in no collection: get('database.collection.<collection>').where(…)`)
  const collection = found[1]!
  checkCollection(get, collection, parser)
  const [conditions] = where.arguments
  if (conditions?.type !== 'ObjectExpression' || where.arguments.length > 1)
    return refuse(where, 'needs an object in where()')
  return { kind: 'size', collection, where: fieldsOf(conditions, parser) }
}

function isGet(node: CallExpression): boolean {
  return node.callee.type === 'Identifier' && node.callee.name === 'get' && !node.optional
}

function isWhere(node: CallExpression): boolean {
  const get = calledOn(node, 'where')
  return get?.type === 'CallExpression' && isGet(get)
}

/** `x` of `x.<method>(…)` */
function calledOn({ callee, optional }: CallExpression, method: string): AcornNode | undefined {
  if (callee.type !== 'MemberExpression' || callee.computed || callee.optional || optional) return undefined
  if (callee.property.type !== 'Identifier' || callee.property.name !== method) return undefined
  return callee.object.type === 'Super' ? undefined : callee.object
}

function argumentOf(node: CallExpression, { refuse }: CallParser): AcornNode {
  const [argument, ...more] = node.arguments
  if (!argument || argument.type === 'SpreadElement' || more.length > 0) return refuse(node, addressForm)
  return argument
}

/** The collection of an address that is written out, and what is behind it. */
function splitAddress(address: Expression): { collection: string; id: Expression } | undefined {
  if (address.kind === 'plus') {
    const left = splitAddress(address.left)
    return left && { collection: left.collection, id: { ...address, left: left.id } }
  }
  if (address.kind !== 'constant' || typeof address.value !== 'string') return undefined
  const found = documentForm.exec(address.value)
  return found ? { collection: found[1]!, id: { kind: 'constant', value: found[2]! } } : undefined
}

function fieldsOf(
  node: ObjectExpression,
  { refuse, convert }: CallParser,
): Extract<Expression, { kind: 'size' }>['where'] {
  const paths = new Set<string>()
  const fields = node.properties.map((property): readonly [string, Expression] => {
    if (property.type === 'SpreadElement' || property.kind !== 'init' || property.method)
      return refuse(property, 'is no field of where()')
    const { key, computed, shorthand, value } = property
    if (computed || shorthand) return refuse(property, 'is written as field: value in where()')
    const path = key.type === 'Identifier' ? key.name : key.type === 'Literal' ? key.value : undefined
    if (typeof path !== 'string' || !isPath(path) || paths.has(path))
      return refuse(property, 'names no field')
    paths.add(path)
    const sought = convert(value)
    if (sought.kind === 'constant' && sought.value === undefined) return refuse(property, 'looks for nothing')
    return [path, sought]
  })
  return fields.length > 0 ? fields : refuse(node, 'names no field in where()')
}

function isPath(path: string): boolean {
  return path
    .split('.')
    .every(key => key !== '' && !key.startsWith('$') && !key.includes('\0') && !isForbiddenKey(key))
}

function checkCollection(node: CallExpression, collection: string, { refuse }: CallParser): void {
  if (collection.startsWith('_')) refuse(node, 'reads what is the server’s own')
  try {
    checkCollectionName(collection)
  } catch (thrown) {
    if (thrown instanceof CloudError) refuse(node, `names no collection: ${thrown.errMsg}`)
    throw thrown
  }
}

const documentForm = /^database\.([^.]+)\.(.*)$/s
const listForm = /^database\.collection\.([^.]+)$/
const addressForm = `needs the collection written out: get('database.<collection>.' + id)`
const noCalls = 'is not part of the rule language: there are get(…) and get(…).where({ … }).size()'
