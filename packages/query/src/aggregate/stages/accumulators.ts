import type { DocumentData, Value } from '@nearcloud/protocol'
import type { Accumulation } from '../../types.ts'
import { type Accumulator, compileAccumulator } from '../expressions/accumulators.ts'
import { compileExpression } from '../expressions/compile.ts'
import type { Scope, Variable } from '../scope.ts'
import type { Holding } from './holding.ts'
import type { Meter } from './meter.ts'

type Open = (meter: Meter, held: Holding) => Accumulator

/** The accumulators of one group. */
export class Accumulators {
  readonly #fields: readonly Accumulation[]
  readonly #accumulators: readonly Accumulator[]

  constructor(fields: readonly Accumulation[], accumulators: readonly Accumulator[]) {
    this.#fields = fields
    this.#accumulators = accumulators
  }

  add(document: DocumentData): void {
    for (const accumulator of this.#accumulators) accumulator.add(document)
  }

  /** The document of the group: what came out as missing is null. */
  result(key: Value): DocumentData {
    const document: { [key: string]: Value } = { _id: key }
    this.#fields.forEach(([field], i) => {
      document[field] = this.#accumulators[i]!.result() ?? null
    })
    return Object.freeze(document)
  }
}

/** Opens the accumulators of a group. */
export function compileAccumulators(
  fields: readonly Accumulation[],
  scope: Scope,
): (meter: Meter, held: Holding) => Accumulators {
  const opens = fields.map(field => compileOne(field, scope))
  return (meter, held) =>
    new Accumulators(
      fields,
      opens.map(open => open(meter, held)),
    )
}

/** One that holds values says how much: of every value, or of the largest one when it keeps one at a time. */
function compileOne([, name, expression]: Accumulation, scope: Scope): Open {
  const open = compileAccumulator(name, expression, scope)
  if (numeric.has(name)) return open
  const evaluate = compileExpression(expression, scope)
  const variable: Variable = { value: undefined }
  const openOfValue = compileAccumulator(name, ['variable', 'value', ''], new Map([['value', variable]]))
  const keepsOne = keepingOne.has(name)
  return (meter, held) => {
    const accumulator = openOfValue()
    let largest = 0
    return {
      add: document => {
        const value = evaluate(document)
        if (value !== undefined) {
          const size = meter.measure(value)
          if (size > largest) held.grow(size - largest)
          if (keepsOne) largest = Math.max(largest, size)
        }
        variable.value = value
        accumulator.add(document)
      },
      result: () => accumulator.result(),
    }
  }
}

const numeric: ReadonlySet<string> = new Set(['sum', 'avg', 'stdDevPop', 'stdDevSamp'])
const keepingOne: ReadonlySet<string> = new Set(['first', 'last', 'min', 'max'])
