import type { Value } from '@nearcloud/protocol'

/** Something computed of a document; `undefined` is a missing field. */
export type Evaluate = (document: Value) => Value | undefined

/** Where a variable's value is while the expression that binds it runs. One run at a time. */
export interface Variable {
  value: Value | undefined
}

/** The variables an expression may name, beside `ROOT`, `CURRENT` and `REMOVE`. */
export type Scope = ReadonlyMap<string, Variable>

export const noVariables: Scope = new Map()

/** The scope with these variables in addition (over those of the same name). */
export function widen(scope: Scope, variables: readonly (readonly [string, Variable])[]): Scope {
  return new Map([...scope, ...variables])
}
