import {
  anyOf,
  compare,
  exists,
  type GeoNearOptions,
  LogicCommand,
  listOf,
  near,
  QueryCommand,
} from './query-command.ts'
import { addToSet, inc, push, remove, set, type UpdateCommand } from './update-command.ts'

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
  geoNear(options: GeoNearOptions): QueryCommand
  and(...conditions: unknown[]): LogicCommand
  or(...conditions: unknown[]): LogicCommand
  nor(...conditions: unknown[]): LogicCommand
  not(condition: unknown): LogicCommand

  set(value: unknown): UpdateCommand
  remove(): UpdateCommand
  inc(amount: number): UpdateCommand
  push(...values: unknown[]): UpdateCommand
  addToSet(value: unknown): UpdateCommand
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
  geoNear: (options: GeoNearOptions) => new QueryCommand([near(options)]),
  and: (...conditions: unknown[]) => new LogicCommand('and', listOf(conditions)),
  or: (...conditions: unknown[]) => new LogicCommand('or', listOf(conditions)),
  nor: (...conditions: unknown[]) => new LogicCommand('nor', listOf(conditions)),
  not: (condition: unknown) => new LogicCommand('not', [condition]),
  set,
  remove,
  inc,
  push,
  addToSet,
})
