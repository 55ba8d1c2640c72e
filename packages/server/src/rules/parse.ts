import { isForbiddenKey } from '@nearcloud/protocol'
import { type Expression as AcornNode, type PrivateIdentifier, parseExpressionAt } from 'acorn'
import type { Comparison, Expression, nobody, VariableName } from './expression.ts'
import { parseCall } from './parse-call.ts'

/** What keeps a text from being a rule; `message` is for the one who wrote it. */
export class RuleSyntaxError extends Error {
  constructor(reason: string, at?: number) {
    super(at === undefined ? reason : `${reason} (at character ${at + 1})`)
    this.name = 'RuleSyntaxError'
  }
}

/**
 * The expression a rule's text means. Only the language of `Expression` is let through, by allow-list; the text is
 * never run. Throws RuleSyntaxError, naming the place, for everything else and for what is too large.
 */
export function parseRule(text: string, variables: readonly VariableName[]): Expression {
  if (text.length > maxLength) throw new RuleSyntaxError(`longer than ${maxLength} characters`)
  if (text.trim() === '') throw new RuleSyntaxError('empty')
  const known = new Set<string>(variables)
  const readsOthers = known.has('doc')
  let [nodes, gets, level] = [0, 0, 0]

  function refuse(node: { start: number; end: number }, reason: string): never {
    throw new RuleSyntaxError(`"${text.slice(node.start, node.end).slice(0, 60)}" ${reason}`, node.start)
  }

  function convert(node: AcornNode | PrivateIdentifier, depth: number): Expression {
    if (++nodes > maxNodes) throw new RuleSyntaxError(`more than ${maxNodes} parts`)
    if (depth > maxDepth) throw new RuleSyntaxError(`nested deeper than ${maxDepth}`)
    const next = (child: AcornNode | PrivateIdentifier) => convert(child, depth + 1)
    switch (node.type) {
      case 'ParenthesizedExpression':
        return next(node.expression)
      case 'Literal':
        if (node.regex || node.bigint != null) refuse(node, 'is no value of a rule')
        return constant(checkNumber(node, node.value as string | number | boolean | null))
      case 'Identifier':
        if (node.name === 'undefined') return constant(undefined)
        if (!known.has(node.name)) refuse(node, `is unknown: there are ${[...known].join(', ')}`)
        return { kind: 'variable', name: node.name as VariableName }
      case 'ArrayExpression':
        return {
          kind: 'array',
          items: node.elements.map(item => {
            if (item === null) refuse(node, 'has a hole')
            if (item.type === 'SpreadElement') refuse(item, 'is not part of the rule language')
            return next(item)
          }),
        }
      case 'MemberExpression': {
        if (node.optional) refuse(node, 'needs no "?.": a field of nothing is undefined')
        if (node.object.type === 'Super') refuse(node, 'is not part of the rule language')
        const object = next(node.object)
        const key = node.computed
          ? next(node.property)
          : constant(node.property.type === 'Identifier' ? node.property.name : refuse(node, 'is no field'))
        if (key.kind === 'constant' && isForbiddenKey(String(key.value))) refuse(node, 'is no field')
        if (object.kind !== 'variable' || object.name !== 'auth') return { kind: 'member', object, key }
        if (key.kind !== 'constant' || typeof key.value !== 'string')
          refuse(node, 'cannot be read: name the field of auth')
        return { kind: 'claim', name: key.value }
      }
      case 'UnaryExpression':
        if (node.operator === '!') return not(next(node.argument))
        if (
          node.operator === '-' &&
          node.argument.type === 'Literal' &&
          typeof node.argument.value === 'number'
        )
          return constant(-checkNumber(node, node.argument.value))
        return refuse(node, 'is not part of the rule language')
      case 'LogicalExpression':
        if (node.operator === '??') refuse(node, 'is not part of the rule language')
        return {
          kind: node.operator === '&&' ? 'and' : 'or',
          left: next(node.left),
          right: next(node.right),
        }
      case 'BinaryExpression': {
        const [left, right] = [next(node.left), next(node.right)]
        switch (node.operator) {
          case '==':
            return equality(left, right)
          case '!=':
            return not(equality(left, right))
          case '>':
          case '>=':
          case '<':
          case '<=':
            return { kind: 'compare', operator: node.operator satisfies Comparison, left, right }
          case 'in':
            return { kind: 'in', left, right }
          case '+':
            return { kind: 'plus', left, right }
          case '===':
          case '!==':
            return refuse(node, 'is written with == or != here, which are strict')
        }
        return refuse(node, `has the operator ${node.operator}, which is not part of the rule language`)
      }
      case 'TemplateLiteral': {
        const texts = node.quasis.map(({ value }) => constant(value.cooked ?? refuse(node, 'is no text')))
        return node.expressions.reduce<Expression>(
          (left, part, n) => plusText({ kind: 'plus', left, right: next(part) }, texts[n + 1]!),
          texts[0]!,
        )
      }
      case 'CallExpression': {
        if (!readsOthers)
          refuse(
            node,
            `cannot be called here: only rules of collections read other documents${known.has('resource') ? ofPaths : ''}`,
          )
        if (++gets > maxGets) refuse(node, `is one too many: at most ${maxGets} documents are read by a rule`)
        if (++level > maxNesting) refuse(node, `is nested too deep: at most ${maxNesting} levels of get()`)
        const call = parseCall(node, { refuse, convert: next })
        level--
        return call
      }
      default:
        return refuse(node, `is not part of the rule language`)
    }
  }

  function checkNumber<T>(node: AcornNode, value: T): T {
    if (typeof value === 'number' && !Number.isFinite(value)) refuse(node, 'is too large a number')
    return value
  }

  return convert(parseSyntax(text), 0)
}

function parseSyntax(text: string): AcornNode {
  let tree: AcornNode
  try {
    tree = parseExpressionAt(text, 0, {
      ecmaVersion: 2022,
      preserveParens: true, // else the end of `(a)` is found before its bracket
      onComment: () => {
        throw new RuleSyntaxError('comments are not part of the rule language')
      },
    })
  } catch (cause) {
    if (cause instanceof RuleSyntaxError) throw cause
    if (cause instanceof SyntaxError) {
      const { pos } = cause as { pos?: number }
      throw new RuleSyntaxError(`not an expression: ${cause.message.replace(/ \(\d+:\d+\)$/, '')}`, pos)
    }
    throw new RuleSyntaxError('nested too deep') // the parser's own stack
  }
  const rest = text.slice(tree.end).trim()
  if (rest !== '') throw new RuleSyntaxError(`text after the end: "${rest.slice(0, 60)}"`, tree.end)
  return tree
}

function constant(
  value: Exclude<Extract<Expression, { kind: 'constant' }>['value'], typeof nobody>,
): Expression {
  return { kind: 'constant', value }
}

function plusText(left: Expression, text: Expression): Expression {
  return text.kind === 'constant' && text.value === '' ? left : { kind: 'plus', left, right: text }
}

function not(operand: Expression): Expression {
  return { kind: 'not', operand }
}

function equality(left: Expression, right: Expression): Expression {
  if (isNothing(right)) return { kind: 'missing', operand: left }
  if (isNothing(left)) return { kind: 'missing', operand: right }
  return { kind: 'compare', operator: '==', left, right }
}

function isNothing(expression: Expression): boolean {
  return expression.kind === 'constant' && (expression.value === null || expression.value === undefined)
}

const maxLength = 1_024
const maxNodes = 256
const maxDepth = 32
/** As in the original. */
const maxGets = 3
const maxNesting = 2

const ofPaths = ', and what a path has to match is its "path_regex"'
