import { compareValues } from '../../compare.ts'
import type { Operation } from './operation.ts'

/** The lesser of what is there and the argument, in the total order of values. */
export const min: Operation = {
  kind: 'execute',
  check() {},
  apply: (current, argument) =>
    current === undefined || compareValues(argument, current) < 0 ? argument : current,
}

/** The greater of the two. */
export const max: Operation = {
  kind: 'execute',
  check() {},
  apply: (current, argument) =>
    current === undefined || compareValues(argument, current) > 0 ? argument : current,
}
