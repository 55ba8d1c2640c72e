import type { Evaluate } from '../../scope.ts'
import { namedArguments, takes } from '../arguments.ts'
import type { Call, Operator } from '../call.ts'
import { constantOf } from '../constant.ts'
import { isNullish, isTrue } from '../truth.ts'

const condOfThree = takes(3, 3, ([test, then, otherwise]) => choose(test!, then!, otherwise!))

/** `{ if, then, else }`, or the three in this order. */
const cond: Operator = (argument, call) => {
  if (argument[0] !== 'object') return condOfThree(argument, call)
  const named = namedArguments(argument, call, ['if', 'then', 'else'], [])
  return choose(call.compile(named.if), call.compile(named.then), call.compile(named.else))
}

function choose(test: Evaluate, then: Evaluate, otherwise: Evaluate): Evaluate {
  const known = constantOf(test)
  if (known) return isTrue(known.value) ? then : otherwise
  return document => (isTrue(test(document)) ? then(document) : otherwise(document))
}

const ifNull = takes(2, 2, ([first, otherwise]) => document => {
  const value = first!(document)
  return isNullish(value) ? otherwise!(document) : value
})

/** `{ branches: [{ case, then }], default? }`: the first case that is true. */
const switchOf: Operator = (argument, call) => {
  const named = namedArguments(argument, call, ['branches'], ['default'])
  const branches = named.branches
  if (branches[0] !== 'list' || branches[1].length === 0)
    throw call.refuse('takes a list of { case, then } as "branches", at least one')
  const compiled = branches[1].map(branch => {
    const { case: test, then } = namedArguments(branch, call, ['case', 'then'], [])
    return [call.compile(test), call.compile(then)] as const
  })
  const otherwise = named.default ? call.compile(named.default) : noBranch(call)
  return document => {
    for (const [test, then] of compiled) if (isTrue(test(document))) return then(document)
    return otherwise(document)
  }
}

function noBranch(call: Call): Evaluate {
  return () => {
    throw call.unfit('has no branch for a document, and no "default"')
  }
}

export const conditionals: Readonly<Record<string, Operator>> = { cond, ifNull, switch: switchOf }
