import { type AggregateCommand, aggregateCommand } from './aggregate-command.ts'
import { addToSet, pop, pull, pullAll, push, shift, unshift } from './list-changes.ts'
import { LogicCommand, listOf } from './logic-command.ts'
import { type ProjectionCommands, projections } from './projection-command.ts'
import { type Beginnings, beginningsOf } from './query-command.ts'
import {
  type BitOperations,
  bit,
  inc,
  max,
  min,
  mul,
  remove,
  rename,
  set,
  type UpdateCommand,
} from './update-command.ts'
import { Computed } from './where.ts'

/** `db.command`, usually called `_`: conditions, that go on as chains of them, and changes. */
export interface DatabaseCommand extends Beginnings {
  and(...conditions: unknown[]): LogicCommand
  or(...conditions: unknown[]): LogicCommand
  nor(...conditions: unknown[]): LogicCommand
  not(condition: unknown): LogicCommand

  /** A condition on what is computed of a document: all of a `where`, or spread among its fields. */
  expr(expression: unknown): Computed
  /** Operators of expressions and accumulators, for `aggregate()` and `expr`. */
  readonly aggregate: AggregateCommand

  /** For `field()`. */
  readonly project: ProjectionCommands

  set(value: unknown): UpdateCommand
  remove(): UpdateCommand
  /** The new path is counted from the document, wherever the field is. */
  rename(path: string): UpdateCommand
  inc(amount: number): UpdateCommand
  mul(factor: number): UpdateCommand
  min(value: unknown): UpdateCommand
  max(value: unknown): UpdateCommand
  /** The public typings say it takes a number; it takes an object, there as here, and throws for a number. */
  bit(operations: BitOperations | number): UpdateCommand
  /** `push(x, y)`, `push([x, y])` or `push({ each, position, sort, slice })`. */
  push(...values: unknown[]): UpdateCommand
  unshift(...values: unknown[]): UpdateCommand
  pop(): UpdateCommand
  shift(): UpdateCommand
  /** One element, or `{ each: [x, y] }`. */
  addToSet(value: unknown): UpdateCommand
  /** Of a value, a command, or an object of conditions. */
  pull(condition: unknown): UpdateCommand
  pullAll(values: readonly unknown[]): UpdateCommand
}

export const command: DatabaseCommand = Object.freeze({
  ...beginningsOf(),
  and: (...conditions: unknown[]) => new LogicCommand('and', listOf(conditions)),
  or: (...conditions: unknown[]) => new LogicCommand('or', listOf(conditions)),
  nor: (...conditions: unknown[]) => new LogicCommand('nor', listOf(conditions)),
  not: (condition: unknown) => new LogicCommand('not', [condition]),
  expr: (expression: unknown) => new Computed(expression),
  get aggregate() {
    return aggregateCommand
  },
  project: projections,
  ...{ set, remove, rename },
  ...{ inc, mul, min, max, bit },
  ...{ push, unshift, pop, shift, addToSet, pull, pullAll },
})
