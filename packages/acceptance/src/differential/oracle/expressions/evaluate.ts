import type { Value } from '@nearcloud/protocol'
import type { Expression } from '@nearcloud/query'
import { type Fields, fieldOf, fieldsOf, isArray, type Maybe } from '../order.ts'
import { cannot } from '../refusal.ts'
import { accumulated } from './accumulators.ts'
import { arithmetic } from './arithmetic.ts'
import { arrays } from './arrays.ts'
import { comparisons } from './comparisons.ts'
import { dates } from './dates.ts'
import { objects } from './objects.ts'
import { isNothing, isTrue, type Operator } from './operator.ts'
import { sets } from './sets.ts'
import { texts } from './texts.ts'

/** Values of variables by name; `ROOT` among them. */
export type Variables = { readonly [name: string]: Maybe }

const operators: { readonly [name: string]: Operator } = {
  ...arithmetic,
  ...arrays,
  ...comparisons,
  ...dates,
  ...objects,
  ...sets,
  ...texts,
}

/** What an expression is, computed of a document; undefined for a missing value. */
export function evaluate(expression: Expression, variables: Variables): Maybe {
  switch (expression[0]) {
    case 'value':
      return expression[1]
    case 'path':
      return pathIn(variables.ROOT, expression[1])
    case 'variable':
      return pathIn(variables[expression[1]], expression[2])
    case 'list':
      return expression[1].map(item => evaluate(item, variables) ?? null)
    case 'object':
      return objectOf(expression[1].map(([key, field]) => [key, evaluate(field, variables)]))
    case 'call':
      return call(expression[1], expression[2], variables)
  }
}

function objectOf(fields: readonly (readonly [string, Maybe])[]): Fields {
  return Object.fromEntries(fields.filter((field): field is [string, Value] => field[1] !== undefined))
}

/** An array on the way is what its objects have there. */
function pathIn(value: Maybe, path: string): Maybe {
  return path === '' ? value : partIn(value, path.split('.'))
}

function partIn(value: Maybe, [name, ...rest]: readonly string[]): Maybe {
  if (name === undefined) return value
  if (!isArray(value)) return partIn(fieldOf(value, name), rest)
  const found = value.filter(each => fieldsOf(each)).map(each => partIn(each, [name, ...rest]))
  return found.filter(each => each !== undefined)
}

function call(name: string, argument: Expression, variables: Variables): Maybe {
  const of = (expression: Expression) => evaluate(expression, variables)
  const items = argument[0] === 'list' ? argument[1] : [argument]
  switch (name) {
    case 'and':
      return items.every(item => isTrue(of(item)))
    case 'or':
      return items.some(item => isTrue(of(item)))
    case 'cond': {
      const [condition, then, otherwise] =
        argument[0] === 'object' ? ['if', 'then', 'else'].map(key => named(argument, key)) : items
      return isTrue(of(condition!)) ? of(then!) : of(otherwise!)
    }
    case 'ifNull':
      return of(items[0]!) ?? of(items[1]!)
    case 'switch':
      return firstTrue(argument, variables)
    case 'let': {
      const vars = named(argument, 'vars')
      if (vars?.[0] !== 'object') throw new Error('let has vars')
      const bound = Object.fromEntries(vars[1].map(([key, value]) => [key, of(value)]))
      return evaluate(named(argument, 'in')!, { ...variables, ...bound })
    }
    case 'map':
    case 'filter':
    case 'reduce':
      return walk(name, argument, variables)
    case 'zip': {
      const inputs = named(argument, 'inputs')
      if (inputs?.[0] !== 'list') throw new Error('zip has inputs')
      const [useLongestLength, defaults] = ['useLongestLength', 'defaults'].map(key => named(argument, key))
      return operators.zip!([
        objectOf([
          ['inputs', untilNothing(inputs[1], of).map(input => input ?? null)],
          ['useLongestLength', useLongestLength && of(useLongestLength)],
          ['defaults', defaults && of(defaults)],
        ]),
      ])
    }
    case 'trim':
    case 'ltrim':
    case 'rtrim':
    case 'dateToString':
    case 'dateFromParts':
      return operators[name]!([objectOf(fieldsIn(argument).map(([key, field]) => [key, of(field)]))])
    case 'allElementsTrue':
    case 'anyElementTrue': {
      const elements = of(items[0]!)
      if (!isArray(elements)) throw cannot(`${name} of no array`)
      return name === 'allElementsTrue' ? elements.every(isTrue) : elements.some(isTrue)
    }
    case 'not':
      return !isTrue(of(items[0]!))
    case 'sum':
    case 'avg':
    case 'min':
    case 'max':
    case 'stdDevPop':
    case 'stdDevSamp': {
      const [first, ...more] = items.map(of)
      return accumulated(name, more.length === 0 && isArray(first) ? first : [first, ...more])
    }
  }
  const operator = operators[name]
  if (!operator) throw new Error(`the oracle has no operator ${name}`)
  return operator(stopsAtNothing.has(name) ? untilNothing(items, of) : items.map(of))
}

/** What one null or missing value decides: nothing behind it is computed. */
const stopsAtNothing = new Set(['add', 'multiply', 'concat', 'concatArrays'])

function untilNothing(items: readonly Expression[], of: (item: Expression) => Maybe): readonly Maybe[] {
  const values: Maybe[] = []
  for (const item of items) {
    values.push(of(item))
    if (isNothing(values.at(-1))) break
  }
  return values
}

function fieldsIn(argument: Expression): readonly (readonly [string, Expression])[] {
  if (argument[0] !== 'object') throw new Error('named arguments are expected')
  return argument[1]
}

function named(argument: Expression, name: string): Expression | undefined {
  return fieldsIn(argument).find(([key]) => key === name)?.[1]
}

function firstTrue(argument: Expression, variables: Variables): Maybe {
  const branches = named(argument, 'branches')
  if (branches?.[0] !== 'list') throw new Error('switch has branches')
  for (const branch of branches[1])
    if (isTrue(evaluate(named(branch, 'case')!, variables)))
      return evaluate(named(branch, 'then')!, variables)
  const otherwise = named(argument, 'default')
  if (!otherwise) throw cannot('switch: nothing is true, and there is no default')
  return evaluate(otherwise, variables)
}

function walk(name: 'map' | 'filter' | 'reduce', argument: Expression, variables: Variables): Maybe {
  const input = evaluate(named(argument, 'input')!, variables)
  if (isNothing(input)) return null
  if (!isArray(input)) throw cannot(`${name} of no array`)
  const as = named(argument, 'as')
  const variable = as?.[0] === 'value' ? String(as[1]) : 'this'
  const within = (key: string, bound: Variables) =>
    evaluate(named(argument, key)!, { ...variables, ...bound })
  if (name === 'map') return input.map(each => within('in', { [variable]: each }) ?? null)
  if (name === 'filter') return input.filter(each => isTrue(within('cond', { [variable]: each })))
  return input.reduce<Maybe>(
    (value, each) => within('in', { value, this: each }),
    evaluate(named(argument, 'initialValue')!, variables),
  )
}
