import type { DocumentData, Value } from '@nearcloud/protocol'
import type { Accumulation, Expression } from '../../types.ts'
import { compileExpression } from '../expressions/compile.ts'
import type { Evaluate, Scope } from '../scope.ts'
import { type Accumulators, compileAccumulators } from './accumulators.ts'
import { KeyMap } from './key-map.ts'
import { cut, type Operator } from './pages.ts'
import { sort } from './sort.ts'

interface Group {
  readonly key: Value
  readonly accumulators: Accumulators
}

/** One document for each value of `by` (missing is null), in the order in which the values came. */
export function group(
  { by, fields }: { readonly by: Expression; readonly fields: readonly Accumulation[] },
  scope: Scope,
): Operator {
  const keyOf = compileExpression(by, scope)
  const parts = partsOf(by)?.map(part => compileExpression(part, scope))
  const open = compileAccumulators(fields, scope)
  return async function* (input, { meter }) {
    const groups: Group[] = []
    const held = meter.holding()
    const find = finder(parts ?? [document => keyOf(document) ?? null], (document: DocumentData): Group => {
      const key = keyOf(document) ?? null
      held.addBytes(meter.measure(key) + groupBytes)
      const made = { key, accumulators: open(meter, held) }
      groups.push(made)
      return made
    })
    try {
      for await (const page of input)
        for (const document of page) {
          meter.step()
          find(document).accumulators.add(document)
        }
      yield* cut(groups.map(({ key, accumulators }) => accumulators.result(key)))
    } finally {
      held.release()
    }
  }
}

/** Groups by an expression and counts them, the most frequent first. */
export function sortByCount(by: Expression, scope: Scope): Operator {
  const counted = group({ by, fields: [counting] }, scope)
  const sorted = sort([['count', 'desc']])
  return (input, means) => sorted(counted(input, means), means)
}

export const counting: Accumulation = ['count', 'sum', ['value', 1]]

/** The fields of an object are looked up one after the other, so that no object is made for a document of a known group. */
function partsOf(by: Expression): readonly Expression[] | undefined {
  if (by[0] !== 'object' || by[1].length === 0) return undefined
  const keys = by[1].map(([key]) => key)
  return new Set(keys).size === keys.length ? by[1].map(([, part]) => part) : undefined
}

/** Gives what was made for the first document of which the parts are the same. */
function finder<T>(
  parts: readonly Evaluate[],
  make: (document: DocumentData) => T,
): (document: DocumentData) => T {
  type Level = KeyMap<Level | T>
  const root: Level = new KeyMap()
  const last = parts.length - 1
  const lastPart = parts[last]!
  return document => {
    let level = root
    for (let i = 0; i < last; i++) {
      const key = parts[i]!(document)
      let next = level.get(key) as Level | undefined
      if (!next) {
        next = new KeyMap()
        level.set(key, next)
      }
      level = next
    }
    const key = lastPart(document)
    let found = level.get(key) as T | undefined
    if (found === undefined) {
      found = make(document)
      level.set(key, found)
    }
    return found
  }
}

/** Of a group, beside its key and what its accumulators hold. */
const groupBytes = 100
