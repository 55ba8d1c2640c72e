import type { Value } from '@nearcloud/protocol'
import type { Expression } from '../../types.ts'
import type { Evaluate } from '../scope.ts'
import type { Call, Operator } from './call.ts'
import { constant, constantOf } from './constant.ts'

type Given = Value | undefined

/** An operator of a number of arguments: those in a list, or the one that stands alone. */
export function takes(
  least: number,
  most: number,
  build: (given: readonly Evaluate[], call: Call) => Evaluate,
): Operator {
  return (argument, call) => {
    const given = argument[0] === 'list' ? argument[1] : [argument]
    if (given.length < least || given.length > most)
      throw call.refuse(
        `takes ${counted(least, most)}, it was given ${given.length}${most === 1 ? hint : ''}`,
      )
    const parts = given.map(each => call.compile(each))
    return folded(parts, build(parts, call), call)
  }
}

/** An operator of one value. */
export function ofOne(compute: (value: Given, call: Call) => Given): Operator {
  return takes(
    1,
    1,
    ([only], call) =>
      document =>
        compute(only!(document), call),
  )
}

/** An operator of two values. */
export function ofTwo(compute: (a: Given, b: Given, call: Call) => Given): Operator {
  return takes(2, 2, ([left, right], call) => {
    const fixed = constantOf(right!)
    if (!fixed) return document => compute(left!(document), right!(document), call)
    const b = fixed.value
    return document => compute(left!(document), b, call)
  })
}

/** An operator of several values, all of which it needs. */
export function ofSome(
  least: number,
  most: number,
  compute: (values: readonly Given[], call: Call) => Given,
): Operator {
  return takes(
    least,
    most,
    (given, call) => document =>
      compute(
        given.map(each => each(document)),
        call,
      ),
  )
}

/** Arguments by name; what was not given is absent. */
export type Named<Required extends string, Optional extends string> = {
  readonly [name in Required]: Expression
} & { readonly [name in Optional]?: Expression }

/** The arguments an operator takes by name. Throws INVALID_PARAM for one too many or too few. */
export function namedArguments<Required extends string, Optional extends string>(
  argument: Expression,
  call: Call,
  required: readonly Required[],
  optional: readonly Optional[],
): Named<Required, Optional> {
  const takes = `takes { ${[...required, ...optional.map(name => `${name}?`)].join(', ')} }`
  if (argument[0] !== 'object') throw call.refuse(takes)
  const given = new Map(argument[1])
  for (const name of given.keys())
    if (![...required, ...optional].some(known => known === name)) throw call.refuse(`${takes}, no "${name}"`)
  for (const name of required) if (!given.has(name)) throw call.refuse(`${takes}: "${name}" is missing`)
  return Object.fromEntries(given) as Named<Required, Optional>
}

/** Computed now when nothing in it depends on the document and it takes little; what cannot be computed says so later. */
export function folded(parts: readonly Evaluate[], evaluate: Evaluate, call: Call): Evaluate {
  if (!parts.every(constantOf)) return evaluate
  try {
    call.meter.begin(foldingSteps)
    return constant(evaluate(null))
  } catch {
    return evaluate
  }
}

const hint = ' (an array that is its argument stands in a list of its own: [[1, 2]])'

const foldingSteps = 10_000

function counted(least: number, most: number): string {
  const words = (count: number) => `${count} argument${count === 1 ? '' : 's'}`
  if (least === most) return words(least)
  return most === Infinity ? `at least ${words(least)}` : `${least} to ${words(most)}`
}
