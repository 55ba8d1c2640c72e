import type { UpdateOperator } from '@nearcloud/protocol'
import { bit, inc, mul } from './arithmetic.ts'
import { remove, rename, set } from './assignment.ts'
import { max, min } from './extremes.ts'
import { addToSet, pop, pullAll, shift } from './lists.ts'
import type { Operation } from './operation.ts'
import { pull } from './pull.ts'
import { push } from './push.ts'

/** Every update operator of the language. */
export const operations: Readonly<Record<UpdateOperator, Operation>> = {
  ...{ set, remove, rename },
  ...{ inc, mul, min, max, bit },
  ...{ push, addToSet, pop, shift, pull, pullAll },
}
