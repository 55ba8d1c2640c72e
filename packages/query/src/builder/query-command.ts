import type { Test } from '../types.ts'
import { all, elementTestFrom, exists, modulo, size } from './element-tests.ts'
import {
  type GeoIntersectsOptions,
  type GeoNearOptions,
  type GeoWithinOptions,
  intersecting,
  near,
  within,
} from './geo-tests.ts'
import { anyOf, Command, compare } from './logic-command.ts'

/** A condition on one field's value: `_.gt(1)`, `_.in([1, 2])`, and chains of them. */
export class QueryCommand extends Command {
  readonly tests: readonly Test[]

  constructor(tests: readonly Test[]) {
    super()
    this.tests = tests
    Object.freeze(this)
  }

  eq(value: unknown): QueryCommand {
    return this.#plus(compare('eq', value))
  }
  neq(value: unknown): QueryCommand {
    return this.#plus(compare('neq', value))
  }
  gt(value: unknown): QueryCommand {
    return this.#plus(compare('gt', value))
  }
  gte(value: unknown): QueryCommand {
    return this.#plus(compare('gte', value))
  }
  lt(value: unknown): QueryCommand {
    return this.#plus(compare('lt', value))
  }
  lte(value: unknown): QueryCommand {
    return this.#plus(compare('lte', value))
  }
  in(values: readonly unknown[]): QueryCommand {
    return this.#plus(anyOf('in', values))
  }
  nin(values: readonly unknown[]): QueryCommand {
    return this.#plus(anyOf('nin', values))
  }
  exists(wanted: boolean): QueryCommand {
    return this.#plus(exists(wanted))
  }
  /** `mod(divisor, remainder)` or `mod([divisor, remainder])`. */
  mod(...division: readonly unknown[]): QueryCommand {
    return this.#plus(modulo(division))
  }
  all(values: readonly unknown[]): QueryCommand {
    return this.#plus(all(values))
  }
  /** Some single element satisfies the object of conditions, or the command. */
  elemMatch(condition: unknown): QueryCommand {
    return this.#plus(['elemMatch', elementTestFrom('elemMatch', condition)])
  }
  size(count: number): QueryCommand {
    return this.#plus(size(count))
  }
  geoNear(options: GeoNearOptions): QueryCommand {
    return this.#plus(near(options))
  }
  geoWithin(options: GeoWithinOptions): QueryCommand {
    return this.#plus(within(options))
  }
  geoIntersects(options: GeoIntersectsOptions): QueryCommand {
    return this.#plus(intersecting(options))
  }

  #plus(test: Test): QueryCommand {
    return new QueryCommand([...this.tests, test])
  }
}

/** The beginnings of chains, as functions that may be taken from their object. */
export type Beginnings = Pick<QueryCommand, (typeof beginnings)[number]>

const beginnings = [
  ...(['eq', 'neq', 'gt', 'gte', 'lt', 'lte', 'in', 'nin', 'exists', 'mod'] as const),
  ...(['all', 'elemMatch', 'size', 'geoNear', 'geoWithin', 'geoIntersects'] as const),
] as const

export function beginningsOf(start = new QueryCommand([])): Beginnings {
  return Object.fromEntries(beginnings.map(name => [name, start[name].bind(start)])) as unknown as Beginnings
}
