import type { Value } from '@nearcloud/protocol'

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
    case 'not':
      return expression.operand.kind === 'missing'
        ? `${inner(expression.operand.operand)} != null`
        : `!${inner(expression.operand)}`
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
  }
}

function inner(expression: Expression): string {
  return bracketed.has(expression.kind) ? `(${render(expression)})` : render(expression)
}

function renderConstant(value: RuleValue): string {
  if (value === nobody || value === undefined) return 'undefined'
  return JSON.stringify(value)
}

const bracketed = new Set<Expression['kind']>(['and', 'or', 'compare', 'missing', 'in', 'plus'])
const nameForm = /^[A-Za-z_$][A-Za-z0-9_$]*$/
