import { type Document, limits } from '@nearcloud/protocol'
import type { Filter } from '@nearcloud/query'
import type { RuleValue } from './expression.ts'
import { nameOf, noReads, type RuleRead, type RuleReads } from './rule-reads.ts'
import { RuleEvaluationError, type Scope } from './scope.ts'

/** `get('database.<collection>.' + id)`: the document, or null. Ids are texts. */
export function documentFor(scope: Scope, collection: string, id: RuleValue): Document | null {
  const text = idFrom(id)
  if (text === '' || text.length > limits.idBytes) return null
  return (scope.reads ?? noReads).document(collection, text)
}

/** `get('database.collection.<collection>').where({ … }).size()` */
export function sizeFor(scope: Scope, collection: string, fields: readonly RuleField[]): number {
  return (scope.reads ?? noReads).count(collection, filterFor(fields))
}

/** A field that has to be equal to a value. */
export interface RuleField {
  readonly path: string
  readonly value: RuleValue
  /** The rule says `null` itself: what is missing counts as that. */
  readonly isWrittenNull: boolean
}

/**
 * Only plain values are looked for: with nothing in its place, or with an expression that searches, a document of a
 * client's would say what the rule looks for.
 */
export function filterFor(fields: readonly RuleField[]): Filter {
  return [
    'and',
    fields.map(({ path, value, isWrittenNull }): Filter => {
      if (isWrittenNull) return ['field', path, ['eq', null]]
      if (typeof value === 'string' || typeof value === 'boolean') return ['field', path, ['eq', value]]
      if (typeof value === 'number' && Number.isFinite(value)) return ['field', path, ['eq', value]]
      throw new RuleEvaluationError(`where looks for a text, a number or a truth at "${path}"`)
    }),
  ]
}

function idFrom(id: RuleValue): string {
  if (typeof id !== 'string') throw new RuleEvaluationError('get() needs a text')
  return id
}

/** A query for which a rule would read ever more. */
export class TooManyReads extends RuleEvaluationError {}

/** No more than `mostReads` reads for one decision: else a list in a query would ask for as many. */
export function fewReads(reads: RuleReads): RuleReads {
  const met = new Set<string>()
  const meet = (read: RuleRead) => {
    met.add(nameOf(read))
    if (met.size > mostReads)
      throw new TooManyReads(`it reads more than ${mostReads} other documents for this query`)
  }
  return {
    document(collection, id) {
      meet({ collection, id })
      return reads.document(collection, id)
    },
    count(collection, where) {
      meet({ collection, where })
      return reads.count(collection, where)
    },
  }
}

/** As in the original. */
const mostReads = 10
