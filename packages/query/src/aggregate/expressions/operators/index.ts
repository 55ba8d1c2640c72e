import { CloudError } from '@nearcloud/protocol'
import { refuse } from '../../../refusals.ts'
import type { Operator } from '../call.ts'
import { arithmetic } from './arithmetic.ts'
import { arrays } from './arrays.ts'
import { comparison } from './comparison.ts'
import { conditionals } from './conditionals.ts'
import { conversions } from './conversions.ts'
import { dates } from './dates/index.ts'
import { logic } from './logic.ts'
import { objects } from './objects.ts'
import { sets } from './sets.ts'
import { statisticsOperators } from './statistics.ts'
import { stringParts } from './string-parts.ts'
import { strings } from './strings.ts'
import { trimming } from './trimming.ts'
import { variables } from './variables.ts'

/** Every operator of expressions, by its name after `$.`. */
const operators = new Map<string, Operator>(
  Object.entries({
    ...{ ...arithmetic, ...comparison, ...logic, ...conditionals, ...variables },
    ...{ ...arrays, ...sets, ...objects, ...statisticsOperators },
    ...{ ...strings, ...stringParts, ...trimming, ...conversions, ...dates },
  }),
)

/** Throws DATABASE_INVALID_OPERATOR for a name that is none, INVALID_PARAM for one that means something elsewhere. */
export function operatorNamed(name: string): Operator {
  const operator = operators.get(name)
  if (operator) return operator
  if (['addToSet', 'first', 'last', 'push'].includes(name))
    throw refuse(`$.${name} stands only in a group (bucket, bucketAuto) stage, where it gathers documents`)
  if (name === 'meta') throw refuse('$.meta: there is no text search whose score it could tell')
  throw new CloudError('DATABASE_INVALID_OPERATOR', {
    errMsg: `$.${name.slice(0, 100)} is no operator of expressions`,
    details: { operator: name.slice(0, 100) },
  })
}
