import { constraintsOf, type Query } from '@nearcloud/query'
import type { TextsIn } from './kept.ts'

/** What is in the stored text of every document that matches. Undefined: nothing is known of it. */
export function textsIn({ where }: Query): TextsIn | undefined {
  const texts: TextsIn = [...constraintsOf(where).values()].flatMap(({ equals = [null] }) =>
    equals.every(value => typeof value === 'string') ? [equals.map(value => JSON.stringify(value))] : [],
  )
  return texts.length > 0 ? texts : undefined
}
