import { badArgument, type Operation } from './operation.ts'

export const set: Operation = {
  kind: 'assign',
  check() {},
  value: argument => argument,
}

export const remove: Operation = {
  kind: 'assign',
  check(argument) {
    if (argument !== null) throw badArgument('remove takes no argument')
  },
  value: () => undefined,
}
