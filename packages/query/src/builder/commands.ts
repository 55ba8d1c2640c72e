import { type AggregateCommand, aggregateCommand } from './aggregate-command.ts'
import { all, elementTestFrom, modulo, size } from './element-tests.ts'
import {
  type GeoIntersectsOptions,
  type GeoNearOptions,
  type GeoWithinOptions,
  intersecting,
  near,
  within,
} from './geo-tests.ts'
import { addToSet, pop, pull, pullAll, push, shift, unshift } from './list-changes.ts'
import { type ProjectionCommands, projections } from './projection-command.ts'
import { anyOf, compare, exists, LogicCommand, listOf, QueryCommand } from './query-command.ts'
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

/** `db.command`, usually called `_`. */
export interface DatabaseCommand {
  eq(value: unknown): QueryCommand
  neq(value: unknown): QueryCommand
  gt(value: unknown): QueryCommand
  gte(value: unknown): QueryCommand
  lt(value: unknown): QueryCommand
  lte(value: unknown): QueryCommand
  in(values: readonly unknown[]): QueryCommand
  nin(values: readonly unknown[]): QueryCommand
  exists(wanted: boolean): QueryCommand
  /** `mod(divisor, remainder)` or `mod([divisor, remainder])`. */
  mod(...division: readonly unknown[]): QueryCommand
  all(values: readonly unknown[]): QueryCommand
  /** Some single element satisfies the object of conditions, or the command. */
  elemMatch(condition: unknown): QueryCommand
  size(count: number): QueryCommand
  geoNear(options: GeoNearOptions): QueryCommand
  geoWithin(options: GeoWithinOptions): QueryCommand
  geoIntersects(options: GeoIntersectsOptions): QueryCommand
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
  bit(operations: BitOperations): UpdateCommand
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
  eq: (value: unknown) => new QueryCommand([compare('eq', value)]),
  neq: (value: unknown) => new QueryCommand([compare('neq', value)]),
  gt: (value: unknown) => new QueryCommand([compare('gt', value)]),
  gte: (value: unknown) => new QueryCommand([compare('gte', value)]),
  lt: (value: unknown) => new QueryCommand([compare('lt', value)]),
  lte: (value: unknown) => new QueryCommand([compare('lte', value)]),
  in: (values: readonly unknown[]) => new QueryCommand([anyOf('in', values)]),
  nin: (values: readonly unknown[]) => new QueryCommand([anyOf('nin', values)]),
  exists: (wanted: boolean) => new QueryCommand([exists(wanted)]),
  mod: (...division: readonly unknown[]) => new QueryCommand([modulo(division)]),
  all: (values: readonly unknown[]) => new QueryCommand([all(values)]),
  elemMatch: (condition: unknown) =>
    new QueryCommand([['elemMatch', elementTestFrom('elemMatch', condition)]]),
  size: (count: number) => new QueryCommand([size(count)]),
  geoNear: (options: GeoNearOptions) => new QueryCommand([near(options)]),
  geoWithin: (options: GeoWithinOptions) => new QueryCommand([within(options)]),
  geoIntersects: (options: GeoIntersectsOptions) => new QueryCommand([intersecting(options)]),
  and: (...conditions: unknown[]) => new LogicCommand('and', listOf(conditions)),
  or: (...conditions: unknown[]) => new LogicCommand('or', listOf(conditions)),
  nor: (...conditions: unknown[]) => new LogicCommand('nor', listOf(conditions)),
  not: (condition: unknown) => new LogicCommand('not', [condition]),
  expr: (expression: unknown) => new Computed(expression),
  aggregate: aggregateCommand,
  project: projections,
  ...{ set, remove, rename },
  ...{ inc, mul, min, max, bit },
  ...{ push, unshift, pop, shift, addToSet, pull, pullAll },
})
