import type { Value } from '@nearcloud/protocol'
import type { LinearPattern } from './linear-pattern.ts'

/**
 * What a claim of `auth` is when there is none: nobody's openid equals no document's, not even one that has no owner.
 * Only `== null` sees it.
 */
export const nobody: unique symbol = Symbol('nobody')

/** What an expression can be worth. A date is its milliseconds; a missing field is undefined. */
export type RuleValue = Value | undefined | typeof nobody

export type VariableName = 'auth' | 'doc' | 'request' | 'resource' | 'now'

/** The whole of the rule language, closed: nothing outside these shapes is ever evaluated. */
export type Expression =
  | { readonly kind: 'constant'; readonly value: RuleValue }
  | { readonly kind: 'array'; readonly items: readonly Expression[] }
  | { readonly kind: 'variable'; readonly name: VariableName }
  /** `auth.<name>` */
  | { readonly kind: 'claim'; readonly name: string }
  | { readonly kind: 'member'; readonly object: Expression; readonly key: Expression }
  | { readonly kind: 'not'; readonly operand: Expression }
  | { readonly kind: 'and' | 'or'; readonly left: Expression; readonly right: Expression }
  | {
      readonly kind: 'compare'
      readonly operator: Comparison
      readonly left: Expression
      readonly right: Expression
    }
  /** `… == null`, `… == undefined` */
  | { readonly kind: 'missing'; readonly operand: Expression }
  | { readonly kind: 'in'; readonly left: Expression; readonly right: Expression }
  | { readonly kind: 'plus'; readonly left: Expression; readonly right: Expression }
  /** A rule for files has a `path_regex`: nobody writes it into an expression. */
  | { readonly kind: 'matches'; readonly operand: Expression; readonly pattern: LinearPattern }
  /** `get('database.<collection>.' + id)`: a document, or null. */
  | { readonly kind: 'get'; readonly collection: string; readonly id: Expression }
  /** `get('database.collection.<collection>').where({ … }).size()` */
  | {
      readonly kind: 'size'
      readonly collection: string
      readonly where: readonly (readonly [path: string, value: Expression])[]
    }

export type Comparison = '==' | '>' | '>=' | '<' | '<='

/** The expression as somebody would write it. */
export function render(expression: Expression): string {
  switch (expression.kind) {
    case 'constant':
      return renderConstant(expression.value)
    case 'array':
      return `[${expression.items.map(render).join(', ')}]`
    case 'variable':
      return expression.name
    case 'claim':
      return `auth.${expression.name}`
    case 'member': {
      const { object, key } = expression
      const isName = key.kind === 'constant' && typeof key.value === 'string' && nameForm.test(key.value)
      return isName ? `${render(object)}.${String(key.value)}` : `${render(object)}[${render(key)}]`
    }
    case 'not': {
      const { operand } = expression
      if (operand.kind === 'missing') return `${inner(operand.operand)} != null`
      if (operand.kind === 'compare' && operand.operator === '==')
        return `${inner(operand.left)} != ${inner(operand.right)}`
      return `!${inner(operand)}`
    }
    case 'and':
      return `${inner(expression.left)} && ${inner(expression.right)}`
    case 'or':
      return `${inner(expression.left)} || ${inner(expression.right)}`
    case 'compare':
      return `${inner(expression.left)} ${expression.operator} ${inner(expression.right)}`
    case 'missing':
      return `${inner(expression.operand)} == null`
    case 'in':
      return `${inner(expression.left)} in ${inner(expression.right)}`
    case 'plus':
      return `${inner(expression.left)} + ${inner(expression.right)}`
    case 'matches':
      return `${render(expression.operand)} matches /${expression.pattern.source}/`
    case 'get':
      return `get(${renderAddress(expression.collection, expression.id)})`
    case 'size': {
      const fields = expression.where.map(
        ([path, value]) => `${nameForm.test(path) ? path : JSON.stringify(path)}: ${render(value)}`,
      )
      return `get('database.collection.${expression.collection}').where({ ${fields.join(', ')} }).size()`
    }
  }
}

export function readsOthers(expression: Expression): boolean {
  return hasPart(expression, ({ kind }) => kind === 'get' || kind === 'size')
}

/** Is it, or is in it, such a part? */
export function hasPart(expression: Expression, isOne: (part: Expression) => boolean): boolean {
  return isOne(expression) || partsOf(expression).some(part => hasPart(part, isOne))
}

/** The parts of an expression. */
export function partsOf(expression: Expression): readonly Expression[] {
  switch (expression.kind) {
    case 'constant':
    case 'variable':
    case 'claim':
      return []
    case 'array':
      return expression.items
    case 'member':
      return [expression.object, expression.key]
    case 'not':
    case 'missing':
    case 'matches':
      return [expression.operand]
    case 'and':
    case 'or':
    case 'compare':
    case 'in':
    case 'plus':
      return [expression.left, expression.right]
    case 'get':
      return [expression.id]
    case 'size':
      return expression.where.map(([, value]) => value)
  }
}

function inner(expression: Expression): string {
  const isBracketed = bracketed.has(expression.kind) || isUnequal(expression)
  return isBracketed ? `(${render(expression)})` : render(expression)
}

/** Written with `!=`. */
function isUnequal(expression: Expression): boolean {
  if (expression.kind !== 'not') return false
  const { operand } = expression
  return operand.kind === 'missing' || (operand.kind === 'compare' && operand.operator === '==')
}

function renderAddress(collection: string, id: Expression): string {
  const parts: string[] = []
  let first = id
  for (; first.kind === 'plus'; first = first.left) parts.unshift(inner(first.right))
  if (first.kind === 'constant')
    return [quoted(`database.${collection}.${String(first.value)}`), ...parts].join(' + ')
  return [`'database.${collection}.'`, inner(first), ...parts].join(' + ')
}

function quoted(text: string): string {
  return /['\\\n]/.test(text) ? JSON.stringify(text) : `'${text}'`
}

function renderConstant(value: RuleValue): string {
  if (value === nobody || value === undefined) return 'undefined'
  return JSON.stringify(value)
}

const bracketed = new Set<Expression['kind']>(['and', 'or', 'compare', 'missing', 'in', 'plus'])
const nameForm = /^[A-Za-z_$][A-Za-z0-9_$]*$/
