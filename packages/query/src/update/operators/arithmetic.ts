import { kindOf } from '@nearcloud/protocol'
import { badArgument, type Operation } from './operation.ts'

export const inc: Operation = {
  kind: 'execute',
  check(argument) {
    if (typeof argument !== 'number' || !Number.isFinite(argument))
      throw badArgument('inc takes a finite number')
  },
  apply(current, argument, target) {
    if (current === undefined) return argument
    if (typeof current === 'number') return current + (argument as number)
    throw target.refuse(
      `Cannot apply $inc to a value of non-numeric type: the field '${target.path}' is of type ${kindOf(current)}`,
    )
  },
}
