import { toJson, type Value } from '@nearcloud/protocol'
import { compileElement } from '../../match/compile.ts'
import { resolveServerDates } from '../../merge/server-dates.ts'
import { parseElementTest } from '../../parse/parse-filter.ts'
import type { ElementTest } from '../../types.ts'
import { listIn, without } from './lists.ts'
import type { Operation } from './operation.ts'

/** Without the elements that satisfy the test. */
export const pull: Operation = {
  kind: 'execute',
  check(argument) {
    // as it will be when it is applied: server dates are dates by then
    parseElementTest(toJson(resolveServerDates(argument, 0)))
  },
  apply(current, argument, target) {
    if (current === undefined) return undefined
    const isUnwanted = compiled(argument)
    return without(listIn(current, target), list => list.filter(element => !isUnwanted(element)))
  },
}

/** One argument is often applied to many documents. */
function compiled(argument: Value): (element: Value) => boolean {
  const test = argument as unknown as ElementTest
  const known = latest?.test === test ? latest : { test, matches: compileElement(test) }
  latest = known
  return known.matches
}

let latest: { readonly test: ElementTest; readonly matches: (element: Value) => boolean } | undefined
