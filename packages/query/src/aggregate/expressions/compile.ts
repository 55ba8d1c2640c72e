import { geoFromJson, keyRefusal, limits, type Value } from '@nearcloud/protocol'
import { refuse } from '../../refusals.ts'
import type { Expression } from '../../types.ts'
import type { Evaluate, Scope } from '../scope.ts'
import { Call, type Place } from './call.ts'
import { constant, constantOf } from './constant.ts'
import { mostSteps } from './limits.ts'
import { Meter } from './meter.ts'
import { operatorNamed } from './operators/index.ts'
import { compilePath } from './read-path.ts'

export { isTrue } from './truth.ts'

/**
 * How an expression is computed of a document. Everything that can be known beforehand (operators, the number and names of
 * arguments, variables) is checked here: throws INVALID_PARAM, DATABASE_INVALID_OPERATOR. Computing throws
 * DATABASE_REQUEST_FAILED for data that does not fit, and for what makes too much, or takes more than `steps` for one document
 * (`limits.ts`).
 */
export function compileExpression(expression: Expression, scope: Scope, steps = mostSteps): Evaluate {
  const meter = new Meter(steps)
  const evaluate = compile(expression, { scope, meter, depth: 1, compile })
  if (constantOf(evaluate) || expression[0] === 'path' || expression[0] === 'variable') return evaluate
  return document => {
    meter.begin()
    return evaluate(document)
  }
}

function compile(expression: Expression, place: Place): Evaluate {
  if (place.depth > limits.depth) throw refuse(`an expression nests deeper than ${limits.depth} levels`)
  switch (expression[0]) {
    case 'value':
      return constant(expression[1])
    case 'path':
      return compilePath(expression[1])
    case 'variable':
      return compileVariable(expression[1], expression[2], place.scope)
    case 'list':
      return compileList(expression[1].map(item => compile(item, deeper(place))))
    case 'object':
      return compileObject(
        expression[1].map(([key, value]) => [checkKey(key), compile(value, deeper(place))]),
      )
    case 'call':
      return operatorNamed(expression[1])(expression[2], new Call(expression[1], place))
  }
}

function deeper(place: Place): Place {
  return { ...place, depth: place.depth + 1 }
}

function compileVariable(name: string, path: string, scope: Scope): Evaluate {
  const read = compilePath(path)
  const variable = scope.get(name)
  if (variable) return path === '' ? () => variable.value : () => read(variable.value)
  if (name === 'ROOT' || name === 'CURRENT') return read
  if (name === 'REMOVE') return constant(undefined)
  throw refuse(
    `the variable $$${name.slice(0, 100)} is bound by nothing around it (let, map, filter, reduce, lookup)`,
  )
}

/** In a list null stands for what is missing. */
function compileList(items: readonly Evaluate[]): Evaluate {
  const evaluate = (document: Value) => {
    const list: Value[] = []
    for (const item of items) list.push(item(document) ?? null)
    return Object.freeze(list)
  }
  return items.every(constantOf) ? constant(evaluate(null)) : evaluate
}

/** A field whose value is missing is not there. */
function compileObject(fields: readonly (readonly [key: string, Evaluate])[]): Evaluate {
  const evaluate = (document: Value) => {
    const object: { [key: string]: Value } = {}
    for (const [key, field] of fields) {
      const value = field(document)
      if (value !== undefined) object[key] = value
    }
    return geoFromJson(object) ?? Object.freeze(object)
  }
  return fields.every(([, field]) => constantOf(field)) ? constant(evaluate(null)) : evaluate
}

function checkKey(key: string): string {
  const reason = keyRefusal(key)
  if (reason !== undefined) throw refuse(`a field of an object in an expression cannot be ${reason}`)
  return key
}
