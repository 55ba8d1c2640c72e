import type { Value } from '@nearcloud/protocol'
import type { Expression } from '../../../types.ts'
import type { Evaluate, Variable } from '../../scope.ts'
import { namedArguments } from '../arguments.ts'
import type { Call, Operator } from '../call.ts'
import { isList, isNullish, isTrue } from '../truth.ts'
import { typeName } from '../type-name.ts'

/** `{ vars: { name: expression }, in }`: the variables do not see each other. */
const letIn: Operator = (argument, call) => {
  const named = namedArguments(argument, call, ['vars', 'in'], [])
  if (named.vars[0] !== 'object') throw call.refuse('takes an object of variables as "vars"')
  const bindings = named.vars[1].map(([name, expression]) => {
    const variable: Variable = { value: undefined }
    const evaluate = call.compile(expression)
    return {
      name: checkedName(name, call),
      variable,
      evaluate: isMade(expression) ? weighed(evaluate, call) : evaluate,
    }
  })
  const inside = call.compile(
    named.in,
    bindings.map(({ name, variable }) => [name, variable]),
  )
  return document => {
    for (const { variable, evaluate } of bindings) variable.value = evaluate(document)
    return inside(document)
  }
}

/** `{ input, as?, in }`; the element is `$$this` without `as`. A missing result is null. */
const map: Operator = (argument, call) => {
  const named = namedArguments(argument, call, ['input', 'in'], ['as'])
  const input = call.compile(named.input)
  const element: Variable = { value: undefined }
  const inside = call.compile(named.in, [[nameOf(named.as, call), element]])
  return document => {
    const list = inputOf(input(document), call)
    if (list === null) return null
    const results: Value[] = []
    for (const item of list) {
      call.meter.spend(stepsOfRound)
      element.value = item
      const result = inside(document) ?? null
      call.meter.weigh(result)
      results.push(result)
    }
    return call.list(results)
  }
}

/** `{ input, as?, cond }` */
const filter: Operator = (argument, call) => {
  const named = namedArguments(argument, call, ['input', 'cond'], ['as'])
  const input = call.compile(named.input)
  const element: Variable = { value: undefined }
  const test = call.compile(named.cond, [[nameOf(named.as, call), element]])
  return document => {
    const list = inputOf(input(document), call)
    if (list === null) return null
    const kept: Value[] = []
    for (const item of list) {
      call.meter.spend(stepsOfRound)
      element.value = item
      if (isTrue(test(document))) kept.push(item)
    }
    return call.list(kept)
  }
}

/** `{ input, initialValue, in }` with `$$value`, what came of the elements before, and `$$this`. */
const reduce: Operator = (argument, call) => {
  const named = namedArguments(argument, call, ['input', 'initialValue', 'in'], [])
  const input = call.compile(named.input)
  const initial = call.compile(named.initialValue)
  const [value, element]: [Variable, Variable] = [{ value: undefined }, { value: undefined }]
  const inside = weighed(
    call.compile(named.in, [
      ['this', element],
      ['value', value],
    ]),
    call,
  )
  return document => {
    const list = inputOf(input(document), call)
    if (list === null) return null
    let result = initial(document)
    for (const item of list) {
      call.meter.spend(stepsOfRound)
      element.value = item
      value.value = result
      result = inside(document)
    }
    return result
  }
}

export const variables: Readonly<Record<string, Operator>> = { let: letIn, map, filter, reduce }

function inputOf(value: Value | undefined, call: Call): readonly Value[] | null {
  if (isList(value)) return value
  if (isNullish(value)) return null
  throw call.unfit(`takes an array as "input", not ${typeName(value)}`)
}

function nameOf(as: Expression | undefined, call: Call): string {
  if (!as) return 'this'
  return checkedName(as[0] === 'value' ? as[1] : undefined, call)
}

function checkedName(name: Value | undefined, call: Call): string {
  if (typeof name === 'string' && /^[a-z]\w{0,99}$/.test(name)) return name
  throw call.refuse(
    `cannot bind the variable ${JSON.stringify(name)?.slice(0, 100)}: a name has letters, digits and "_", and begins with a small letter`,
  )
}

/** What a variable holds can be used any number of times, so it is weighed first, unless the document holds it. */
function weighed(evaluate: Evaluate, call: Call): Evaluate {
  return document => {
    const value = evaluate(document)
    if (typeof value === 'object') call.meter.weigh(value)
    return value
  }
}

function isMade(expression: Expression): boolean {
  return expression[0] !== 'value' && expression[0] !== 'path' && expression[0] !== 'variable'
}

/** A round of a loop takes about as long as looking at so many values. */
const stepsOfRound = 4
