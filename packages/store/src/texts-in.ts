import { constraintsOf, type Query } from '@nearcloud/query'
import type { TextsIn } from './kept.ts'

/**
 * What is in the stored text of every document that matches. Empty: nothing is known of it. Without the first quotation mark: what
 * begins with a sign that is everywhere is found half as fast.
 */
export function textsIn({ where }: Query): TextsIn {
  return [...constraintsOf(where).values()].flatMap(({ equals = [null] }) =>
    equals.every(value => typeof value === 'string')
      ? [equals.map(value => JSON.stringify(value).slice(1))]
      : [],
  )
}
