import { RegExpValue } from '@nearcloud/protocol'
import { compileFilter } from '@nearcloud/query'

/** A regular expression of an operator's, matched against strangers' texts in linear time. */
export interface LinearPattern {
  readonly source: string
  test(text: string): boolean
}

/** By the query language's own engine. Throws what that throws for what it cannot run, as back-references. */
export function linearPattern(source: string): LinearPattern {
  const matches = compileFilter(['field', 'text', ['eq', new RegExpValue(source, '')]])
  return { source, test: text => matches({ _id: '', text }) }
}
