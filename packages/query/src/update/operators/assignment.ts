import { refuse } from '../../refusals.ts'
import type { Operation } from './operation.ts'

export const set: Operation = {
  kind: 'assign',
  check() {},
  value: argument => argument,
}

export const remove: Operation = {
  kind: 'assign',
  check(argument) {
    if (argument !== null) throw refuse('remove takes no argument')
  },
  value: () => undefined,
}

/** To the path that is its argument. */
export const rename: Operation = {
  kind: 'move',
  check(argument) {
    if (typeof argument !== 'string') throw refuse('rename takes the new path')
  },
}
