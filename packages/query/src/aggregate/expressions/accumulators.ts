import { CloudError, type Value } from '@nearcloud/protocol'
import { refuse, unfit } from '../../refusals.ts'
import type { Expression } from '../../types.ts'
import type { Evaluate, Scope } from '../scope.ts'
import { compileExpression } from './compile.ts'
import { mostElements } from './limits.ts'
import { type Gathering, statistics } from './statistics.ts'
import { ValueSet } from './value-set.ts'

/** What one group gathers from its documents. */
export interface Accumulator {
  add(document: Value): void
  result(): Value
}

/**
 * A maker of accumulators: one for each group. Throws INVALID_PARAM, DATABASE_INVALID_OPERATOR for what is none; adding throws
 * DATABASE_REQUEST_FAILED for what does not fit, or is too much.
 */
export function compileAccumulator(name: string, expression: Expression, scope: Scope): () => Accumulator {
  const start = gatherings.get(name) ?? statistics.get(name)
  if (!start)
    throw new CloudError('DATABASE_INVALID_OPERATOR', {
      errMsg: `$.${name.slice(0, 100)} gathers nothing: a group has ${[...gatherings.keys(), ...statistics.keys()].join(', ')}`,
      details: { operator: name.slice(0, 100) },
    })
  if (expression[0] === 'list') throw refuse(`$.${name} in a group takes one expression, not a list of them`)
  const evaluate = compileExpression(expression, scope)
  return () => new Gatherer(evaluate, start())
}

class Gatherer implements Accumulator {
  readonly #evaluate: Evaluate
  readonly #gathering: Gathering

  constructor(evaluate: Evaluate, gathering: Gathering) {
    this.#evaluate = evaluate
    this.#gathering = gathering
  }

  add(document: Value): void {
    this.#gathering.add(this.#evaluate(document))
  }
  result(): Value {
    return this.#gathering.result()
  }
}

/** The value of the first document, null where it has none. */
class First implements Gathering {
  #value: Value | undefined

  add(value: Value | undefined): void {
    if (this.#value === undefined) this.#value = value ?? null
  }
  result(): Value {
    return this.#value ?? null
  }
}

class Last implements Gathering {
  #value: Value = null

  add(value: Value | undefined): void {
    this.#value = value ?? null
  }
  result(): Value {
    return this.#value
  }
}

/** Every value, null among them, but none for a document that has none. */
class Pushed implements Gathering {
  readonly #values: Value[] = []

  add(value: Value | undefined): void {
    if (value === undefined) return
    this.#values.push(value)
    checkElements('push', this.#values)
  }
  result(): Value {
    return Object.freeze([...this.#values])
  }
}

/** Each value once, in the order they came. */
class Distinct implements Gathering {
  readonly #set = new ValueSet()

  add(value: Value | undefined): void {
    if (value !== undefined && this.#set.add(value)) checkElements('addToSet', this.#set.values)
  }
  result(): Value {
    return Object.freeze([...this.#set.values])
  }
}

const gatherings: ReadonlyMap<string, () => Gathering> = new Map<string, () => Gathering>([
  ['first', () => new First()],
  ['last', () => new Last()],
  ['push', () => new Pushed()],
  ['addToSet', () => new Distinct()],
])

function checkElements(name: string, values: readonly Value[]): void {
  if (values.length > mostElements)
    throw unfit(`$.${name} makes an array of more than ${mostElements} elements`)
}
