import type { Value } from '@nearcloud/protocol'
import type { Evaluate } from '../scope.ts'

const constants = new WeakMap<Evaluate, { readonly value: Value | undefined }>()

/** What is the same for every document. */
export function constant(value: Value | undefined): Evaluate {
  const evaluate = () => value
  constants.set(evaluate, { value })
  return evaluate
}

/** The value of what is the same for every document, undefined for anything else. */
export function constantOf(evaluate: Evaluate): { readonly value: Value | undefined } | undefined {
  return constants.get(evaluate)
}
