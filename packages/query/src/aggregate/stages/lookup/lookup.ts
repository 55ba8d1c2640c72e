import type { Lookup } from '../../../types.ts'
import type { Scope } from '../../scope.ts'
import type { Operator } from '../pages.ts'
import { lookupByEquality } from './by-equality.ts'
import { lookupByPipeline } from './by-pipeline.ts'

/** Documents of another collection, as a list in a field of each document. */
export function lookup(join: Lookup, scope: Scope): Operator {
  return 'pipeline' in join ? lookupByPipeline(join, scope) : lookupByEquality(join)
}
