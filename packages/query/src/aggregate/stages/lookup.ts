import type { Lookup } from '../../types.ts'
import { refuse, type Scope } from '../scope.ts'
import type { Operator } from './pages.ts'
export function lookup(_lookup: Lookup, _scope: Scope): Operator {
  throw refuse('not yet')
}
