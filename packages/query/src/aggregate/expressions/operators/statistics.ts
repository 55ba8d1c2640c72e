import type { Value } from '@nearcloud/protocol'
import { takes } from '../arguments.ts'
import type { Call, Operator } from '../call.ts'
import { type Gathering, statistics } from '../statistics.ts'
import { isList } from '../truth.ts'

/** Over the elements of the array that stands alone, or over the values of a list, arrays in which are values like any other. */
function over(start: () => Gathering): Operator {
  return takes(0, Infinity, (given, call) => {
    const [only] = given
    if (given.length === 1)
      return document => {
        const value = only!(document)
        return gathered(start(), isList(value) ? value : [value], call)
      }
    return document =>
      gathered(
        start(),
        given.map(each => each(document)),
        call,
      )
  })
}

function gathered(gathering: Gathering, values: readonly (Value | undefined)[], call: Call): Value {
  call.meter.spend(values.length)
  for (const value of values) {
    if (typeof value === 'object' || typeof value === 'string') call.meter.weigh(value)
    gathering.add(value)
  }
  return gathering.result()
}

export const statisticsOperators: Readonly<Record<string, Operator>> = Object.fromEntries(
  [...statistics].map(([name, start]) => [name, over(start)]),
)
