import { ofOne, takes } from '../arguments.ts'
import type { Operator } from '../call.ts'
import { isTrue } from '../truth.ts'

/** What stands behind the first that decides is not computed. */
export const logic: Readonly<Record<string, Operator>> = {
  and: takes(0, Infinity, given => document => {
    for (const each of given) if (!isTrue(each(document))) return false
    return true
  }),
  or: takes(0, Infinity, given => document => {
    for (const each of given) if (isTrue(each(document))) return true
    return false
  }),
  not: ofOne(value => !isTrue(value)),
}
