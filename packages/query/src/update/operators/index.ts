import type { UpdateOperator } from '@nearcloud/protocol'
import { inc } from './arithmetic.ts'
import { remove, set } from './assignment.ts'
import { addToSet, push } from './lists.ts'
import type { Operation } from './operation.ts'

/** Every update operator of the language. */
export const operations: Readonly<Record<UpdateOperator, Operation>> = { set, remove, inc, push, addToSet }
