import type { CloudError, Value } from '@nearcloud/protocol'
import { refuse, unfit } from '../../refusals.ts'
import type { Expression } from '../../types.ts'
import { type Evaluate, type Scope, type Variable, widen } from '../scope.ts'
import { mostElements } from './limits.ts'
import type { Meter } from './meter.ts'

/** How an operator is computed, of what it was given. Throws INVALID_PARAM for arguments it does not take. */
export type Operator = (argument: Expression, call: Call) => Evaluate

/** Where an expression stands. */
export interface Place {
  readonly scope: Scope
  readonly meter: Meter
  readonly depth: number
  compile(expression: Expression, place: Place): Evaluate
}

/** One use of an operator: its name, and what is around it. */
export class Call {
  readonly name: string
  readonly meter: Meter
  readonly #place: Place

  constructor(name: string, place: Place) {
    this.name = name
    this.meter = place.meter
    this.#place = place
  }

  /** The evaluator of a part of it, where these variables are bound in addition. */
  compile(expression: Expression, variables: readonly (readonly [string, Variable])[] = []): Evaluate {
    const { compile, scope, depth, meter } = this.#place
    const inside = variables.length === 0 ? scope : widen(scope, variables)
    return compile(expression, { scope: inside, depth: depth + 1, meter, compile })
  }

  /** The words begin where the operator's name ends. */
  refuse(words: string): CloudError {
    return refuse(`$.${this.name} ${words}`)
  }

  unfit(words: string): CloudError {
    return unfit(`$.${this.name} ${words}`)
  }

  /** The list, frozen. */
  list(items: Value[]): readonly Value[] {
    this.checkElements(items.length)
    return Object.freeze(items)
  }

  checkElements(count: number): void {
    if (count > mostElements) throw this.unfit(`makes an array of more than ${mostElements} elements`)
  }
}
