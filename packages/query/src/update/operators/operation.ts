import type { CloudError, Value } from '@nearcloud/protocol'

/**
 * How one update operator changes one path.
 *
 * `assign`: the path gets a value (`undefined`: it is removed), and the newest assignment wins. `execute`: the value that
 * is there (`undefined`: none) is changed in the order of arrival, and never superseded; what comes out is what there is then
 * (the same value: nothing happens). `move`: the path's value goes to another path, an assignment of both.
 *
 * `check` proves an argument (INVALID_PARAM); `value` and `apply` get a checked one with its server dates resolved. `apply`
 * throws DATABASE_REQUEST_FAILED, through `target.refuse`, for a value it must not destroy.
 */
export type Operation =
  | {
      readonly kind: 'assign'
      check(argument: Value): void
      value(argument: Value): Value | undefined
    }
  | {
      readonly kind: 'execute'
      check(argument: Value): void
      apply(current: Value | undefined, argument: Value, target: Target): Value | undefined
    }
  | {
      readonly kind: 'move'
      check(argument: Value): void
    }

/** What an operation changes, for its errors. */
export interface Target {
  readonly path: string
  refuse(reason: string): CloudError
}
